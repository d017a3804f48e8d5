# SPDX-License-Identifier: Apache-2.0
# The web console into the binary: npm ci (once), node build.mjs, then a table of files with .incbin.
# Without it (-DWITH_CONSOLE=OFF) the table is empty and the daemon shows how to build it.
#
# This file is read twice: by CMakeLists.txt it sets console_rows to the C file that the room serve
# links; as a script (-P, with SOURCE, DIST, OUT, STRICT) it does the work.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(console_rows ${CMAKE_BINARY_DIR}/gen/console_rows.c)
    if(WITH_CONSOLE)
        find_program(NODE node)
        find_program(NPM npm)
        if(NOT NODE OR NOT NPM)
            message(FATAL_ERROR "the console needs Node 18 and npm: install nodejs and npm, "
                "or configure with -DWITH_CONSOLE=OFF")
        endif()
        file(GLOB_RECURSE console_sources CONFIGURE_DEPENDS
            ${CMAKE_SOURCE_DIR}/console/src/* ${CMAKE_SOURCE_DIR}/console/i18n/*)
        if(CMAKE_BUILD_TYPE STREQUAL "Debug")
            set(strict OFF)
        else()
            set(strict ON)
        endif()
        add_custom_command(OUTPUT ${console_rows}
            COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR}/console
                -DDIST=${CMAKE_BINARY_DIR}/console -DOUT=${console_rows} -DSTRICT=${strict}
                -DNODE=${NODE} -DNPM=${NPM} -P ${CMAKE_SOURCE_DIR}/cmake/console.cmake
            DEPENDS ${console_sources} ${CMAKE_SOURCE_DIR}/console/build.mjs
                ${CMAKE_SOURCE_DIR}/console/package-lock.json
                ${CMAKE_SOURCE_DIR}/cmake/console.cmake
            COMMENT "Building the web console" VERBATIM)
    else()
        file(CONFIGURE OUTPUT ${console_rows} CONTENT
"/* Made by cmake/console.cmake: built without the console. */
#include \"serve/assets.h\"
const struct asset console_rows[] = {{0}};
const char console_policy[] = \"default-src 'none'; frame-ancestors 'none'\";
" @ONLY)
    endif()
    return()
endif()

# ---- as a script ----

# Dependencies, when the lock file is newer than what lies there. Several build trees share them.
function(install_packages)
    set(mark ${SOURCE}/node_modules/.package-lock.json)
    if(EXISTS ${mark} AND NOT ${SOURCE}/package-lock.json IS_NEWER_THAN ${mark})
        return()
    endif()
    execute_process(COMMAND ${NPM} ci --no-audit --no-fund --loglevel=error
        WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed)
    if(failed)
        set(failed ${failed} PARENT_SCOPE)
        return()
    endif()
    file(TOUCH ${mark})
endfunction()

function(give_up what)
    if(STRICT)
        message(FATAL_ERROR "console: ${what}")
    endif()
    message(WARNING "console: ${what}; this debug build goes on without it")
    file(WRITE ${OUT} "#include \"serve/assets.h\"\nconst struct asset console_rows[] = {{0}};\n"
        "const char console_policy[] = \"default-src 'none'\";\n")
endfunction()

file(LOCK ${SOURCE}/../build/console.lock GUARD PROCESS TIMEOUT 300 RESULT_VARIABLE locked)
install_packages()
if(failed)
    give_up("npm ci failed")
    return()
endif()
execute_process(COMMAND ${NODE} build.mjs --quiet --out ${DIST}
    WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(failed)
    give_up("node build.mjs failed:\n${said}")
    return()
endif()

# One .incbin a file, however many paths show it.
set(known "")
set(blobs "")
function(blob name out)
    list(FIND known "${name}" at)
    if(at LESS 0)
        list(LENGTH known at)
        list(APPEND known "${name}")
        set(known "${known}" PARENT_SCOPE)
        set(blobs "${blobs}BLOB(console_blob_${at}, \"${DIST}/${name}\")\n" PARENT_SCOPE)
    endif()
    set(${out} console_blob_${at} PARENT_SCOPE)
endfunction()

function(c_string text out)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    set(${out} "\"${text}\"" PARENT_SCOPE)
endfunction()

file(READ ${DIST}/manifest.json manifest)
string(JSON policy GET "${manifest}" csp)
c_string("${policy}" policy)
string(JSON n LENGTH "${manifest}" files)
math(EXPR last "${n} - 1")
set(table "")
foreach(i RANGE ${last})
    foreach(key path type etag file size immutable gz gz_size)
        string(JSON ${key} ERROR_VARIABLE none GET "${manifest}" files ${i} ${key})
    endforeach()
    c_string("${path}" path)
    c_string("${type}" type)
    c_string("${etag}" etag)
    blob("${file}" bytes)
    set(gzip "{NULL, 0}")
    if(gz)
        blob("${gz}" packed)
        set(gzip "{${packed}, ${gz_size}}")
    endif()
    if(immutable)
        set(immutable true)
    else()
        set(immutable false)
    endif()
    string(APPEND table
        "    {${path}, ${type}, ${etag},\n     {${bytes}, ${size}}, ${gzip}, ${immutable}},\n")
endforeach()

file(WRITE ${OUT}
"/* Made by cmake/console.cmake from the console's manifest. */
#include \"serve/assets.h\"

#define BLOB(name, file) \\
    __asm__(\".section .rodata\\n.balign 16\\n\" #name \":\\n.incbin \\\"\" file \"\\\"\\n.byte 0\\n.previous\\n\"); \\
    extern const char name[];
${blobs}
const struct asset console_rows[] = {
${table}    {0},
};
const char console_policy[] = ${policy};
")
