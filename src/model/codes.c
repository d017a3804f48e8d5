/* SPDX-License-Identifier: Apache-2.0 */
/* Tables first, then the few questions about them. */
#include "model/codes.h"

/* ---- code3 ---- */

static unsigned
digit37(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 1;
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A') + 11;
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 11;
    return 0;
}

bool
code3_parse(struct span s, code3 *out)
{
    unsigned v = 0;
    if (s.n > 3)
        return false;
    for (size_t i = 0; i < 3; i++) { /* left-aligned, so that values sort as texts do */
        unsigned d = i < s.n ? digit37(s.p[i]) : 0;
        if (i < s.n && d == 0)
            return false;
        v = v * 37 + d;
    }
    *out = (code3)v;
    return true;
}

char *
code3_format(char *dst, code3 c)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    unsigned v = c, d[3] = {v / 1369 % 37, v / 37 % 37, v % 37};
    size_t n = 0;
    while (n < 3 && d[n]) {
        dst[n] = digits[d[n] - 1];
        n++;
    }
    dst[n] = 0;
    return dst;
}

/* ---- tables ---- */

static const struct code_row color_rows[] = {
    {"0", "未识别", "unread"}, {"1", "黑", "black"},    {"2", "白", "white"},
    {"3", "灰", "grey"},       {"4", "红", "red"},      {"5", "蓝", "blue"},
    {"6", "黄", "yellow"},     {"7", "橙", "orange"},   {"8", "棕", "brown"},
    {"9", "绿", "green"},      {"10", "紫", "purple"},  {"11", "青", "cyan"},
    {"12", "粉", "pink"},      {"13", "透明", "clear"}, {"99", "其他", "other"},
};

static const struct code_row direction_rows[] = {
    {"0", "未知", "unknown"},
    {"1", "西向东", "eastbound"},
    {"2", "东向西", "westbound"},
    {"3", "北向南", "southbound"},
    {"4", "南向北", "northbound"},
    {"5", "西南向东北", "north-eastbound"},
    {"6", "东北向西南", "south-westbound"},
    {"7", "西北向东南", "south-eastbound"},
    {"8", "东南向西北", "north-westbound"},
    {"9", "其他", "other"},
};

static const struct code_row plate_class_rows[] = {
    {"01", "大型汽车", "large vehicle"},
    {"02", "小型汽车", "small vehicle"},
    {"03", "使馆汽车", "embassy vehicle"},
    {"04", "领馆汽车", "consulate vehicle"},
    {"05", "境外汽车", "vehicle from abroad"},
    {"06", "外籍汽车", "foreigner's vehicle"},
    {"07", "普通摩托车", "motorcycle"},
    {"08", "轻便摩托车", "moped"},
    {"09", "使馆摩托车", "embassy motorcycle"},
    {"10", "领馆摩托车", "consulate motorcycle"},
    {"11", "境外摩托车", "motorcycle from abroad"},
    {"12", "外籍摩托车", "foreigner's motorcycle"},
    {"13", "低速车", "low-speed vehicle"},
    {"14", "拖拉机", "tractor"},
    {"15", "挂车", "trailer"},
    {"16", "教练汽车", "driving-school vehicle"},
    {"17", "教练摩托车", "driving-school motorcycle"},
    {"18", "试验汽车", "test vehicle"},
    {"19", "试验摩托车", "test motorcycle"},
    {"20", "临时入境汽车", "vehicle entering temporarily"},
    {"21", "临时入境摩托车", "motorcycle entering temporarily"},
    {"22", "临时行驶车", "temporary plate"},
    {"23", "警用汽车", "police vehicle"},
    {"24", "警用摩托车", "police motorcycle"},
    {"25", "原农机号牌", "former farm machine plate"},
    {"26", "香港入出境车", "Hong Kong cross-border vehicle"},
    {"27", "澳门入出境车", "Macau cross-border vehicle"},
    {"31", "武警号牌", "armed police"},
    {"32", "军队号牌", "military"},
    {"41", "无号牌", "no plate"},
    {"42", "假号牌", "fake plate"},
    {"43", "挪用号牌", "plate of another vehicle"},
    {"51", "大型新能源汽车", "large new-energy vehicle"},
    {"52", "小型新能源汽车", "small new-energy vehicle"},
    {"99", "其他号牌", "other"},
};

static const struct code_row vehicle_class_rows[] = {
    {"B11", "重型普通半挂车", "heavy semi-trailer"},
    {"B21", "中型普通半挂车", "medium semi-trailer"},
    {"B31", "轻型普通半挂车", "light semi-trailer"},
    {"D11", "无轨电车", "trolleybus"},
    {"D12", "有轨电车", "tram"},
    {"E01", "一型客车（收费）", "toll class 1 passenger"},
    {"E02", "二型客车（收费）", "toll class 2 passenger"},
    {"E03", "三型客车（收费）", "toll class 3 passenger"},
    {"E04", "四型客车（收费）", "toll class 4 passenger"},
    {"E05", "五型客车（收费）", "toll class 5 passenger"},
    {"E06", "六型客车（收费）", "toll class 6 passenger"},
    {"E11", "一型货车（收费）", "toll class 1 goods"},
    {"E12", "二型货车（收费）", "toll class 2 goods"},
    {"E13", "三型货车（收费）", "toll class 3 goods"},
    {"E14", "四型货车（收费）", "toll class 4 goods"},
    {"E15", "五型货车（收费）", "toll class 5 goods"},
    {"E16", "六型货车（收费）", "toll class 6 goods"},
    {"E21", "一型专项作业车（收费）", "toll class 1 special"},
    {"E22", "二型专项作业车（收费）", "toll class 2 special"},
    {"E23", "三型专项作业车（收费）", "toll class 3 special"},
    {"E24", "四型专项作业车（收费）", "toll class 4 special"},
    {"E25", "五型专项作业车（收费）", "toll class 5 special"},
    {"E26", "六型专项作业车（收费）", "toll class 6 special"},
    {"G11", "重型普通全挂车", "heavy trailer"},
    {"G21", "中型普通全挂车", "medium trailer"},
    {"G31", "轻型普通全挂车", "light trailer"},
    {"H11", "重型普通货车", "heavy lorry"},
    {"H12", "重型厢式货车", "heavy box lorry"},
    {"H13", "重型封闭货车", "heavy closed lorry"},
    {"H14", "重型罐式货车", "heavy tank lorry"},
    {"H15", "重型平板货车", "heavy flatbed lorry"},
    {"H16", "重型集装厢车", "heavy container lorry"},
    {"H17", "重型自卸货车", "heavy tipper"},
    {"H18", "重型特殊结构货车", "heavy special lorry"},
    {"H19", "重型仓栅式货车", "heavy stake lorry"},
    {"H21", "中型普通货车", "medium lorry"},
    {"H22", "中型厢式货车", "medium box lorry"},
    {"H23", "中型封闭货车", "medium closed lorry"},
    {"H24", "中型罐式货车", "medium tank lorry"},
    {"H25", "中型平板货车", "medium flatbed lorry"},
    {"H26", "中型集装厢车", "medium container lorry"},
    {"H27", "中型自卸货车", "medium tipper"},
    {"H28", "中型特殊结构货车", "medium special lorry"},
    {"H29", "中型仓栅式货车", "medium stake lorry"},
    {"H31", "轻型普通货车", "light lorry"},
    {"H32", "轻型厢式货车", "light box lorry"},
    {"H33", "轻型封闭货车", "light closed lorry"},
    {"H34", "轻型罐式货车", "light tank lorry"},
    {"H35", "轻型平板货车", "light flatbed lorry"},
    {"H37", "轻型自卸货车", "light tipper"},
    {"H38", "轻型特殊结构货车", "light special lorry"},
    {"H39", "轻型仓栅式货车", "light stake lorry"},
    {"H41", "微型普通货车", "mini lorry"},
    {"H42", "微型厢式货车", "mini box lorry"},
    {"H43", "微型封闭货车", "mini closed lorry"},
    {"H44", "微型罐式货车", "mini tank lorry"},
    {"H45", "微型自卸货车", "mini tipper"},
    {"H46", "微型特殊结构货车", "mini special lorry"},
    {"H47", "微型仓栅式货车", "mini stake lorry"},
    {"H51", "低速普通货车", "low-speed lorry"},
    {"H52", "低速厢式货车", "low-speed box lorry"},
    {"H53", "低速罐式货车", "low-speed tank lorry"},
    {"H54", "低速自卸货车", "low-speed tipper"},
    {"H55", "仓栅式低速货车", "low-speed stake lorry"},
    {"J11", "轮式装载机械", "wheel loader"},
    {"J12", "轮式挖掘机械", "wheeled excavator"},
    {"J13", "轮式平地机械", "wheeled grader"},
    {"K11", "大型普通客车", "large coach"},
    {"K12", "大型双层客车", "large double-deck coach"},
    {"K13", "大型卧铺客车", "large sleeper coach"},
    {"K14", "大型铰接客车", "large articulated bus"},
    {"K15", "大型越野客车", "large off-road coach"},
    {"K16", "大型轿车", "large car"},
    {"K17", "大型专用客车", "large special coach"},
    {"K18", "大型专用校车", "large school bus"},
    {"K21", "中型普通客车", "medium coach"},
    {"K22", "中型双层客车", "medium double-deck coach"},
    {"K23", "中型卧铺客车", "medium sleeper coach"},
    {"K24", "中型铰接客车", "medium articulated bus"},
    {"K25", "中型越野客车", "medium off-road coach"},
    {"K26", "中型轿车", "medium car"},
    {"K27", "中型专用客车", "medium special coach"},
    {"K28", "中型专用校车", "medium school bus"},
    {"K31", "小型普通客车", "small passenger vehicle"},
    {"K32", "小型越野客车", "small off-road vehicle"},
    {"K33", "小型轿车", "saloon"},
    {"K34", "小型专用客车", "small special vehicle"},
    {"K38", "小型专用校车", "small school bus"},
    {"K39", "小型面包车", "minivan"},
    {"K41", "微型普通客车", "mini passenger vehicle"},
    {"K42", "微型越野客车", "mini off-road vehicle"},
    {"K43", "微型轿车", "mini car"},
    {"K49", "微型面包车", "mini minivan"},
    {"M11", "普通正三轮摩托车", "three-wheeled motorcycle"},
    {"M12", "轻便正三轮摩托车", "three-wheeled moped"},
    {"M13", "正三轮载客摩托车", "passenger three-wheeler"},
    {"M14", "正三轮载货摩托车", "goods three-wheeler"},
    {"M15", "侧三轮摩托车", "motorcycle with sidecar"},
    {"M21", "普通二轮摩托车", "motorcycle"},
    {"M22", "轻便二轮摩托车", "moped"},
    {"N11", "三轮汽车", "three-wheeled vehicle"},
    {"Q11", "重型半挂牵引车", "heavy tractor unit"},
    {"Q12", "重型全挂牵引车", "heavy drawbar tractor"},
    {"Q21", "中型半挂牵引车", "medium tractor unit"},
    {"Q22", "中型全挂牵引车", "medium drawbar tractor"},
    {"Q31", "轻型半挂牵引车", "light tractor unit"},
    {"Q32", "轻型全挂牵引车", "light drawbar tractor"},
    {"T11", "大型轮式拖拉机", "large wheeled tractor"},
    {"T21", "小型轮式拖拉机", "small wheeled tractor"},
    {"T22", "手扶拖拉机", "walking tractor"},
    {"T23", "手扶变形运输机", "converted walking tractor"},
    {"X99", "其他", "other"},
    {"Z11", "大型专项作业车", "large special-purpose vehicle"},
    {"Z21", "中型专项作业车", "medium special-purpose vehicle"},
    {"Z31", "小型专项作业车", "small special-purpose vehicle"},
    {"Z41", "微型专项作业车", "mini special-purpose vehicle"},
    {"Z51", "重型专项作业车", "heavy special-purpose vehicle"},
    {"Z71", "轻型专项作业车", "light special-purpose vehicle"},
};

static const struct code_row brand_rows[] = {
    {"0", "其他", "other"},       {"1", "大众", "Volkswagen"},
    {"2", "别克", "Buick"},       {"3", "宝马", "BMW"},
    {"4", "本田", "Honda"},       {"5", "标致", "Peugeot"},
    {"6", "丰田", "Toyota"},      {"7", "福特", "Ford"},
    {"8", "日产", "Nissan"},      {"9", "奥迪", "Audi"},
    {"10", "马自达", "Mazda"},    {"11", "雪佛兰", "Chevrolet"},
    {"12", "雪铁龙", "Citroen"},  {"13", "现代", "Hyundai"},
    {"14", "奇瑞", "Chery"},      {"15", "起亚", "Kia"},
    {"16", "荣威", "Roewe"},      {"17", "三菱", "Mitsubishi"},
    {"18", "斯柯达", "Skoda"},    {"19", "吉利", "Geely"},
    {"20", "中华", "Zhonghua"},   {"21", "沃尔沃", "Volvo"},
    {"22", "雷克萨斯", "Lexus"},  {"23", "菲亚特", "Fiat"},
    {"24", "帝豪", "Emgrand"},    {"25", "东风", "Dongfeng"},
    {"26", "比亚迪", "BYD"},      {"27", "铃木", "Suzuki"},
    {"28", "金杯", "Jinbei"},     {"29", "海马", "Haima"},
    {"30", "五菱", "Wuling"},     {"31", "江淮", "JAC"},
    {"32", "斯巴鲁", "Subaru"},   {"33", "英伦", "Englon"},
    {"34", "长城", "Great Wall"}, {"35", "哈飞", "Hafei"},
    {"36", "庆铃", "Qingling"},
};

static const struct code_row status_rows[] = {
    {"A", "正常", "normal"},
    {"B", "转出", "transferred out"},
    {"C", "被盗抢", "stolen"},
    {"D", "停驶", "laid up"},
    {"E", "注销", "deregistered"},
    {"G", "违法未处理", "open violations"},
    {"H", "海关监管", "under customs control"},
    {"I", "事故未处理", "open accident"},
    {"J", "嫌疑车", "suspect"},
    {"K", "查封", "sealed by a court"},
    {"L", "暂扣", "detained"},
    {"M", "强制注销", "deregistered by force"},
    {"N", "事故逃逸", "fled an accident"},
    {"O", "锁定", "locked"},
    {"P", "达到报废标准公告牌证作废", "scrapping age: plates void"},
    {"Q", "逾期未检验", "inspection overdue"},
};

static const struct code_row use_nature_rows[] = {
    {"A", "非营运", "not for hire"},
    {"B", "公路客运", "coach service"},
    {"C", "公交客运", "bus service"},
    {"D", "出租客运", "taxi"},
    {"E", "旅游客运", "tourist coach"},
    {"F", "货运", "goods"},
    {"G", "租赁", "rental"},
    {"H", "警用", "police"},
    {"I", "消防", "fire service"},
    {"J", "救护", "ambulance"},
    {"K", "工程救险", "rescue works"},
    {"L", "营转非", "formerly for hire"},
    {"M", "出租转非", "formerly a taxi"},
    {"N", "教练", "driving school"},
    {"O", "幼儿校车", "kindergarten bus"},
    {"P", "小学生校车", "primary school bus"},
    {"Q", "初中生校车", "secondary school bus"},
    {"R", "危化品运输", "dangerous goods"},
    {"S", "中小学生校车", "school bus"},
    {"T", "预约出租客运", "ride-hailing taxi"},
    {"U", "预约出租转非", "formerly ride-hailing"},
};

/* Why a vehicle is watched (布控类别); a list may have a name of its own beside these. */
static const struct code_row watch_list_rows[] = {
    {"stolen", "被盗抢", "stolen"},
    {"hit_and_run", "肇事逃逸", "hit and run"},
    {"wanted", "涉案", "wanted"},
    {"violation", "多次违法", "frequent violator"},
    {"hazmat", "危化品", "dangerous goods"},
    {"escort", "警卫", "escort"},
    {"other", "其他", "other"},
};

#define TABLE(name, rows)                                                              \
    {                                                                                  \
        name, rows, sizeof(rows) / sizeof *(rows)                                      \
    }
static const struct code_table tables[] = {
    TABLE("plate_color", color_rows),
    TABLE("vehicle_color", color_rows),
    TABLE("direction", direction_rows),
    TABLE("plate_class", plate_class_rows),
    TABLE("vehicle_class", vehicle_class_rows),
    TABLE("brand", brand_rows),
    TABLE("status", status_rows),
    TABLE("use_nature", use_nature_rows),
    TABLE("watch_list", watch_list_rows),
    {NULL, NULL, 0},
};

const struct code_table *
code_tables(void)
{
    return tables;
}

const struct code_row *
code_find(const char *table, struct span code)
{
    for (const struct code_table *t = tables; t->name; t++) {
        if (strcmp(t->name, table) != 0)
            continue;
        for (size_t i = 0; i < t->n; i++)
            if (span_eq_cstr(code, t->rows[i].code))
                return &t->rows[i];
    }
    return NULL;
}

/* ---- colours ---- */

/* The vendors' numberings of plate colours seen in the field; a site names the one its
 * cameras use. */
static const struct color_map color_maps[] = {
    {"gat1400",
     "GA/T 1400 颜色代码",
     "GA/T 1400 ColorType",
     {COLOR_UNREAD, COLOR_BLACK, COLOR_WHITE, COLOR_GRAY, COLOR_RED, COLOR_BLUE,
      COLOR_YELLOW, COLOR_ORANGE, COLOR_BROWN, COLOR_GREEN, COLOR_PURPLE, COLOR_CYAN,
      COLOR_PINK, COLOR_CLEAR}},
    {"sdk0",
     "白黄蓝黑，从 0 起",
     "white, yellow, blue, black from 0",
     {COLOR_WHITE, COLOR_YELLOW, COLOR_BLUE, COLOR_BLACK, COLOR_OTHER, COLOR_GREEN,
      COLOR_RED, COLOR_YELLOW, COLOR_GREEN}},
    {"ui1",
     "蓝黄白黑绿，从 1 起",
     "blue, yellow, white, black, green from 1",
     {COLOR_UNREAD, COLOR_BLUE, COLOR_YELLOW, COLOR_WHITE, COLOR_BLACK, COLOR_GREEN}},
};

const struct color_map *
color_map_at(size_t i)
{
    return i < sizeof color_maps / sizeof *color_maps ? &color_maps[i] : NULL;
}

const struct color_map *
color_map_find(struct span name)
{
    for (size_t i = 0; i < sizeof color_maps / sizeof *color_maps; i++)
        if (span_eq_cstr(name, color_maps[i].name))
            return &color_maps[i];
    return NULL;
}

static const uint8_t ga24[10] = {
    COLOR_WHITE,  COLOR_GRAY,  COLOR_YELLOW, COLOR_PINK,  COLOR_RED,
    COLOR_PURPLE, COLOR_GREEN, COLOR_BLUE,   COLOR_BROWN, COLOR_BLACK,
};

uint8_t
color_of_ga24(char letter)
{
    return letter >= 'A' && letter <= 'J' ? ga24[letter - 'A'] : COLOR_UNREAD;
}

char
color_to_ga24(uint8_t color)
{
    for (int i = 0; i < 10; i++)
        if (ga24[i] == color)
            return (char)('A' + i);
    return 0;
}

static bool
either(uint8_t a, uint8_t b, uint8_t x, uint8_t y)
{
    return (a == x && b == y) || (a == y && b == x);
}

bool
color_agrees(uint8_t registered, uint8_t read)
{
    if (registered == read || registered == COLOR_UNREAD || read == COLOR_UNREAD ||
        registered == COLOR_OTHER || read == COLOR_OTHER || read == COLOR_CLEAR)
        return true;
    return either(registered, read, COLOR_WHITE, COLOR_GRAY) ||
           either(registered, read, COLOR_GRAY, COLOR_BLACK) ||
           either(registered, read, COLOR_BLUE, COLOR_CYAN) ||
           either(registered, read, COLOR_GREEN, COLOR_CYAN) ||
           either(registered, read, COLOR_BLUE, COLOR_GREEN) || /* under sodium light */
           either(registered, read, COLOR_RED, COLOR_ORANGE) ||
           either(registered, read, COLOR_RED, COLOR_PINK) ||
           either(registered, read, COLOR_RED, COLOR_BROWN) ||
           either(registered, read, COLOR_YELLOW, COLOR_ORANGE) ||
           either(registered, read, COLOR_BROWN, COLOR_ORANGE) ||
           either(registered, read, COLOR_BLUE, COLOR_PURPLE);
}

/* ---- classes ---- */

/* First and second digit of a code3 as characters; 0 where there is none. */
static void
family(code3 c, char *letter, char *size)
{
    char text[CODE3_TEXT] = {0};
    code3_format(text, c);
    *letter = text[0];
    *size = text[0] ? text[1] : 0;
}

bool
class_is_truck(code3 vehicle_class)
{
    char letter, size;
    family(vehicle_class, &letter, &size);
    return letter == 'H' || letter == 'Q';
}

bool
class_is_coach(code3 vehicle_class)
{
    char letter, size;
    family(vehicle_class, &letter, &size);
    return letter == 'K' && (size == '1' || size == '2');
}

/* Cameras tell what stands on the road: a tractor unit is a lorry, a trailer shows its
 * tractor, a special-purpose vehicle looks like a lorry of its size. */
static char
look_of(char letter)
{
    switch (letter) {
    case 'Q':
    case 'B':
    case 'G':
    case 'Z':
    case 'J':
        return 'H';
    case 'D':
        return 'K';
    default:
        return letter;
    }
}

bool
class_agrees(code3 registered, code3 read)
{
    char a, b, size_a, size_b;
    family(registered, &a, &size_a);
    family(read, &b, &size_b);
    if (!a || !b || a == 'X' || b == 'X' || a == 'E' || b == 'E' || a < 'A' || b < 'A')
        return true; /* unread, "other", a toll class, or no class code at all */
    if (look_of(a) != look_of(b))
        /* minivans and light lorries share their bodies */
        return (a == 'K' && b == 'H' && size_a >= '3' && size_b >= '3') ||
               (a == 'H' && b == 'K' && size_a >= '3' && size_b >= '3');
    if (a != b || !size_a || !size_b)
        return true; /* sizes of different families are not numbered alike */
    return size_a - size_b <= 1 && size_b - size_a <= 1;
}
