# `generated`: pages and editor files made of sgc's tables, in the source tree; a row of generated.txt
# is a listing of sgc and the file that holds it.
file(STRINGS ${CMAKE_SOURCE_DIR}/cmake/generated.txt rows)
set(commands)
foreach(row IN LISTS rows)
  string(REPLACE " " ";" row ${row})
  list(GET row 0 listing)
  list(GET row 1 file)
  list(APPEND commands COMMAND sgc --print=${listing} > ${CMAKE_SOURCE_DIR}/${file})
endforeach()
add_custom_target(generated ${commands} VERBATIM)

install(FILES man/sgc.1 man/sgc-model.1 DESTINATION share/man/man1)
install(FILES editors/sgc.vim editors/sgc.tmLanguage.json DESTINATION share/sgc/editors)
