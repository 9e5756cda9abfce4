# Models as libraries of a CMake project:
#
#   include(PREFIX/share/sgc/sgc.cmake)
#   sgc_add_library(vae models/vae.sg [SHARED] [OPTIONS --dim latent=10 ...])
#   target_link_libraries(program PRIVATE vae)      # and #include "vae.h"
#
# The first argument is the name of the target, of the library's files and of its functions.  The
# library is static unless SHARED is said, and is made again when the model or sgc changes.

# Of the installation that this file belongs to, of a build, or what SGC says.
find_program(SGC sgc REQUIRED HINTS ${CMAKE_CURRENT_LIST_DIR}/../../bin
  ${CMAKE_CURRENT_LIST_DIR}/../build)
find_package(Threads REQUIRED)

function(sgc_add_library name model)
  cmake_parse_arguments(PARSE_ARGV 2 arg "SHARED;STATIC" "" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sgc_add_library(${name}): ${arg_UNPARSED_ARGUMENTS}?")
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.sgc)
  if(arg_SHARED)
    set(kind SHARED)
    set(file ${folder}/lib${name}.so)
    set(emit shared)
  else()
    set(kind STATIC)
    set(file ${folder}/lib${name}.a)
    set(emit lib)
  endif()
  get_filename_component(model ${model} ABSOLUTE)
  add_custom_command(OUTPUT ${file} ${folder}/${name}.h
    COMMAND ${SGC} ${model} --name=${name} --emit=${emit},header --out-dir=${folder} ${arg_OPTIONS}
    DEPENDS ${model} ${SGC} COMMENT "Model ${name}" VERBATIM)
  add_custom_target(${name}_files DEPENDS ${file} ${folder}/${name}.h)
  add_library(${name} ${kind} IMPORTED GLOBAL)
  add_dependencies(${name} ${name}_files)
  file(MAKE_DIRECTORY ${folder}) # an include directory must be there
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${file}
    INTERFACE_INCLUDE_DIRECTORIES ${folder} INTERFACE_LINK_LIBRARIES "Threads::Threads;m")
endfunction()
