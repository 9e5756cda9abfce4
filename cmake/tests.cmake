# One CTest entry for every suite of tests/suites.def and every script of tests/run.
set(suites_def ${CMAKE_SOURCE_DIR}/tests/suites.def)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${suites_def})

file(GLOB test_sources CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/tests/*.c ${CMAKE_SOURCE_DIR}/tests/unit/*.c ${CMAKE_SOURCE_DIR}/tests/laws/*.c)
add_executable(sgc_tests ${test_sources})
target_link_libraries(sgc_tests PRIVATE sgc_frontend sgc_passes sgc_codegen sgc_certify sgc_ir sgrt
  ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libsgrt_openblas.a sgc_options PkgConfig::CHECK)
add_dependencies(sgc_tests sgrt_openblas)
target_compile_definitions(sgc_tests PRIVATE
  SGC_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SGC_BINARY_DIR="${CMAKE_BINARY_DIR}"
  SGC_OPENBLAS="${OPENBLAS_SERIAL_LIBRARY}" SGC_OPENBLAS_DIR="${openblas_dir}")

set(environment SGC_SOURCE_DIR=${CMAKE_SOURCE_DIR} SGC_BINARY_DIR=${CMAKE_BINARY_DIR}
  SGC_SANITIZED=${SGC_SANITIZE})
if(SGC_SANITIZE)
  # In one process, so that leaks of every test are seen.
  list(APPEND environment CK_FORK=no ASAN_OPTIONS=detect_leaks=1)
endif()

# The passes with mistakes on purpose, and what sees them: passes/mutant.def.
file(GLOB mutant_sources CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/tests/mutants/*.c ${CMAKE_SOURCE_DIR}/passes/*.c)
add_executable(sgc_mutants ${mutant_sources} ${CMAKE_SOURCE_DIR}/tests/laws/tape.c
  ${CMAKE_SOURCE_DIR}/tests/laws/quadrature.c)
target_link_libraries(sgc_mutants PRIVATE sgc_frontend sgc_ir sgc_options PkgConfig::CHECK)
target_compile_definitions(sgc_mutants PRIVATE SGC_MUTANTS)

# Prints docs/laws.md: how exact every law is with every estimator, or why it is refused.
add_executable(sgc_table ${CMAKE_SOURCE_DIR}/tests/table/main.c)
foreach(name IN ITEMS page pair slope exact tape quadrature sum values softened)
  target_sources(sgc_table PRIVATE ${CMAKE_SOURCE_DIR}/tests/laws/${name}.c)
endforeach()
target_link_libraries(sgc_table PRIVATE sgc_frontend sgc_passes sgc_ir sgc_options PkgConfig::CHECK)

# Draws the images that the demo and the tests train on.
add_executable(digits ${CMAKE_SOURCE_DIR}/tests/tools/digits.c)
target_link_libraries(digits PRIVATE sgc_options m)

# Checks manifests against docs/manifest.schema.json.
add_executable(schema ${CMAKE_SOURCE_DIR}/tests/tools/schema.c)
target_link_libraries(schema PRIVATE sgc_options PkgConfig::CJSON)

# Damages files, for the fuzzers.
add_executable(mutate ${CMAKE_SOURCE_DIR}/tests/tools/mutate.c)
target_link_libraries(mutate PRIVATE sgc_options)

function(sgc_test name)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}" TIMEOUT 900
    SKIP_RETURN_CODE 77)
endfunction()

sgc_test(mutants sgc_mutants)
set(estimators mutants) # the label of what holds gradients against exact expectations

file(STRINGS ${suites_def} rows REGEX "^(SUITE|ESTIMATORS)\\(")
foreach(row IN LISTS rows)
  string(REGEX REPLACE "^[A-Z]+\\(([a-z0-9_]+)\\).*" "\\1" suite ${row})
  sgc_test(${suite} sgc_tests --suite ${suite})
  if(row MATCHES "^ESTIMATORS")
    list(APPEND estimators ${suite})
  endif()
endforeach()
set_tests_properties(${estimators} PROPERTIES LABELS estimators)

file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*.sh ${CMAKE_SOURCE_DIR}/tests/run/*.sh)
foreach(script IN LISTS scripts)
  cmake_path(GET script FILENAME name)
  if(NOT name STREQUAL lib.sh)
    sgc_test(${name} bash ${script})
  endif()
endforeach()

# Long tests: scripts/test --full.
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/full/*.sh)
foreach(script IN LISTS scripts)
  cmake_path(GET script FILENAME name)
  sgc_test(${name} bash ${script})
  set_tests_properties(${name} PROPERTIES LABELS full TIMEOUT 1800)
endforeach()
set_tests_properties(laws.sh PROPERTIES LABELS "full;estimators")
