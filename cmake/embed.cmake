# What models become as libraries is made of: the runtime's context, and OpenBLAS as an object whose
# names are its own.
#
#   libsgrt_context.a        the functions of runtime/context.def
#   libsgrt_openblas.a       OpenBLAS's kernels for every CPU
#   libsgrt_openblas_v3.a    those for CPUs that have AVX2 and FMA, a quarter of the size
#
# A library of a model holds a copy of its own: two of them, and a program with a BLAS of its own,
# share no state (runtime/context_space.h says why that matters).
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/runtime/context*.c)
add_library(sgrt_context STATIC ${sources})
target_link_libraries(sgrt_context PRIVATE sgc_options)
set_target_properties(sgrt_context PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_compile_options(sgrt_context PRIVATE $<$<CONFIG:Release>:-ffunction-sections;-fdata-sections>)

get_filename_component(openblas_dir ${OPENBLAS_SERIAL_LIBRARY} DIRECTORY)
find_library(OPENBLAS_SERIAL_ARCHIVE NAMES libopenblas.a REQUIRED NO_DEFAULT_PATH PATHS ${openblas_dir})

# How much work space a product takes is a constant inside OpenBLAS: it is what it asks mmap for.
if(NOT DEFINED OPENBLAS_SPACE)
  try_run(ran compiled ${CMAKE_BINARY_DIR}/openblas_space
    SOURCES ${CMAKE_SOURCE_DIR}/cmake/openblas_space.c
    LINK_LIBRARIES ${OPENBLAS_SERIAL_ARCHIVE} m
    RUN_OUTPUT_VARIABLE space)
  if(NOT compiled OR NOT ran EQUAL 0)
    message(FATAL_ERROR "cannot find out how much work space ${OPENBLAS_SERIAL_ARCHIVE} takes")
  endif()
  set(OPENBLAS_SPACE ${space} CACHE INTERNAL "bytes of a work space of OpenBLAS")
endif()

add_library(sgrt_openblas_space OBJECT runtime/openblas/space.c)
target_link_libraries(sgrt_openblas_space PRIVATE sgc_options)
target_compile_definitions(sgrt_openblas_space PRIVATE SGRT_OPENBLAS_SPACE=${OPENBLAS_SPACE})
set_target_properties(sgrt_openblas_space PROPERTIES POSITION_INDEPENDENT_CODE ON)

# What the runtime calls, and what the context calls in space.c; all else becomes local.
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

# sgrt_openblas_archive(NAME FLAG...): lib/libNAME.a with one object.
function(sgrt_openblas_archive name)
  set(object ${CMAKE_BINARY_DIR}/${name}.o)
  set(archive ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/lib${name}.a)
  add_custom_command(OUTPUT ${archive}
    COMMAND ${CMAKE_LINKER} -r -o ${object} ${openblas_wanted} ${ARGN}
      $<TARGET_OBJECTS:sgrt_openblas_space> ${OPENBLAS_SERIAL_ARCHIVE}
    COMMAND ${CMAKE_OBJCOPY} ${openblas_kept} --strip-unneeded ${object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} rcsD ${archive} ${object}
    COMMAND ${CMAKE_COMMAND} -E rm ${object}
    DEPENDS sgrt_openblas_space $<TARGET_OBJECTS:sgrt_openblas_space> ${OPENBLAS_SERIAL_ARCHIVE}
    COMMENT "OpenBLAS for libraries: lib${name}.a" VERBATIM COMMAND_EXPAND_LISTS)
  set(sgrt_openblas_archives ${sgrt_openblas_archives} ${archive} PARENT_SCOPE)
endfunction()

sgrt_openblas_archive(sgrt_openblas)
sgrt_openblas_archive(sgrt_openblas_v3 ${openblas_older})
add_custom_target(sgrt_openblas DEPENDS ${sgrt_openblas_archives})
install(FILES ${sgrt_openblas_archives} TYPE LIB)
