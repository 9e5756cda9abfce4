# Runtime kernels as LLVM bitcode inside the compiler, which inlines them into every model.

# No errno from mathematics and fused multiply-add: the contract of compiled models (never
# -ffast-math).  The same flags for the copy in the runtime library and for the bitcode.
set(SGC_FLOAT_FLAGS -fno-math-errno -ffp-contract=fast)

# sgc_bitcode(TARGET SOURCE SYMBOL): compiles SOURCE for no particular CPU and embeds it as
# `SYMBOL[]` with its length in `SYMBOL_size`.  Loops stay scalar: they are vectorised when a model
# is compiled, for the CPU that it is compiled for.
function(sgc_bitcode target source symbol)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${source})
    return()
  endif()
  set(bitcode ${CMAKE_BINARY_DIR}/${symbol}.bc)
  set(assembly ${CMAKE_BINARY_DIR}/${symbol}.S)
  add_custom_command(OUTPUT ${bitcode}
    COMMAND ${SGC_CLANG} -std=c17 -D_GNU_SOURCE -I${CMAKE_SOURCE_DIR} -O2 ${SGC_FLOAT_FLAGS}
      -fno-vectorize -fno-slp-vectorize -fno-unroll-loops -fno-stack-protector
      -fno-asynchronous-unwind-tables -fPIC -emit-llvm -c ${CMAKE_SOURCE_DIR}/${source}
      -o ${bitcode} -MD -MF ${bitcode}.d -MT ${bitcode}
    DEPENDS ${CMAKE_SOURCE_DIR}/${source} DEPFILE ${bitcode}.d
    COMMENT "Bitcode of ${source}" VERBATIM)
  file(CONFIGURE OUTPUT ${assembly} @ONLY CONTENT "    .section .rodata
    .global @symbol@, @symbol@_size
    .balign 16
@symbol@:
    .incbin \"@bitcode@\"
1:
    .balign 8
@symbol@_size:
    .quad 1b - @symbol@
    .section .note.GNU-stack, \"\", @progbits
")
  set_source_files_properties(${assembly} PROPERTIES OBJECT_DEPENDS ${bitcode})
  target_sources(${target} PRIVATE ${assembly})
endfunction()
