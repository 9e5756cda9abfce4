# OpenBLAS as a part of every model: an object whose names are its own.
#
#   libsgrt_openblas.a       kernels for every CPU
#   libsgrt_openblas_v3.a    those for CPUs that have AVX2 and FMA, a quarter of the size
#
# So two models in one program, and a program with a BLAS of its own, share no state
# (runtime/space.h says why that matters), and a model's bits do not depend on what is installed.
get_filename_component(openblas_dir ${OPENBLAS_SERIAL_LIBRARY} DIRECTORY)
find_library(OPENBLAS_SERIAL_ARCHIVE NAMES libopenblas.a REQUIRED NO_DEFAULT_PATH PATHS ${openblas_dir})

# How much work space a product takes is a constant inside OpenBLAS: it is what it asks mmap for.
# Its version is that of what is linked, whatever a header says.
if(NOT DEFINED OPENBLAS_SPACE OR NOT DEFINED OPENBLAS_VERSION)
  try_run(ran compiled ${CMAKE_BINARY_DIR}/openblas_facts
    SOURCES ${CMAKE_SOURCE_DIR}/cmake/openblas_facts.c
    LINK_LIBRARIES ${OPENBLAS_SERIAL_ARCHIVE} m
    RUN_OUTPUT_VARIABLE facts)
  if(NOT compiled OR NOT ran EQUAL 0)
    message(FATAL_ERROR "cannot find out what ${OPENBLAS_SERIAL_ARCHIVE} is")
  endif()
  list(GET facts 0 space)
  list(GET facts 1 version)
  set(OPENBLAS_SPACE ${space} CACHE INTERNAL "bytes of a work space of OpenBLAS")
  set(OPENBLAS_VERSION ${version} CACHE INTERNAL "of the OpenBLAS that models hold")
endif()
target_compile_definitions(sgrt PRIVATE SGRT_BLAS="${OPENBLAS_VERSION}")

add_library(sgrt_openblas_space OBJECT runtime/openblas/space.c)
target_link_libraries(sgrt_openblas_space PRIVATE sgc_options)
target_compile_definitions(sgrt_openblas_space PRIVATE SGRT_OPENBLAS_SPACE=${OPENBLAS_SPACE})
set_target_properties(sgrt_openblas_space PROPERTIES POSITION_INDEPENDENT_CODE ON)

# What the runtime calls; all else becomes local.
set(openblas_names sgrt_openblas_open sgrt_openblas_use)
foreach(letter s d)
  foreach(routine gemm gemv trsm swap)
    list(APPEND openblas_names cblas_${letter}${routine})
  endforeach()
  list(APPEND openblas_names ${letter}potrf_ ${letter}getrf_)
endforeach()
list(TRANSFORM openblas_names PREPEND "--undefined=" OUTPUT_VARIABLE openblas_wanted)
list(TRANSFORM openblas_names PREPEND "--keep-global-symbol=" OUTPUT_VARIABLE openblas_kept)

# The tables of kernels that OpenBLAS chooses for CPUs without AVX2 and FMA, or before 2015.
set(openblas_older)
foreach(cpu ATOM BARCELONA BOBCAT BULLDOZER CORE2 DUNNINGTON EXCAVATOR NANO NEHALEM OPTERON
    OPTERON_SSE3 PENRYN PILEDRIVER PRESCOTT SANDYBRIDGE STEAMROLLER)
  list(APPEND openblas_older --defsym=gotoblas_${cpu}=gotoblas_HASWELL)
endforeach()

# What no library may do to its host: OpenBLAS's small products allocate, its checks print or end
# the process.  runtime/openblas/space.c has these instead.
set(openblas_tamed)
foreach(name malloc free exit __assert_fail fputs fwrite stderr getenv)
  list(APPEND openblas_tamed --defsym=${name}=sgrt_openblas_${name})
endforeach()

# sgrt_openblas_archive(NAME FLAG...): lib/libNAME.a with one object.
function(sgrt_openblas_archive name)
  set(object ${CMAKE_BINARY_DIR}/${name}.o)
  set(archive ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/lib${name}.a)
  add_custom_command(OUTPUT ${archive}
    COMMAND ${CMAKE_LINKER} -r -o ${object} ${openblas_wanted} ${openblas_tamed} ${ARGN}
      $<TARGET_OBJECTS:sgrt_openblas_space> ${OPENBLAS_SERIAL_ARCHIVE}
    COMMAND ${CMAKE_OBJCOPY} ${openblas_kept} --strip-unneeded ${object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} rcsD ${archive} ${object}
    COMMAND ${CMAKE_COMMAND} -E rm ${object}
    DEPENDS sgrt_openblas_space $<TARGET_OBJECTS:sgrt_openblas_space> ${OPENBLAS_SERIAL_ARCHIVE}
    COMMENT "OpenBLAS for models: lib${name}.a" VERBATIM COMMAND_EXPAND_LISTS)
  set(sgrt_openblas_archives ${sgrt_openblas_archives} ${archive} PARENT_SCOPE)
endfunction()

sgrt_openblas_archive(sgrt_openblas)
sgrt_openblas_archive(sgrt_openblas_v3 ${openblas_older})
add_custom_target(sgrt_openblas DEPENDS ${sgrt_openblas_archives})
