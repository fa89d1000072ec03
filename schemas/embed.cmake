# Writes a C file (OUT) with each *.avsc of a folder (DIR) as an array of characters: store-job.avsc becomes
# embedded_store_job, with a NUL behind it.
file(GLOB files ${DIR}/*.avsc)
set(text "/* Made from the files of schemas/ by schemas/embed.cmake. */\n#include \"avro/embedded.h\"\n")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "-" "_" name ${name})
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes ${bytes})
  string(APPEND text "\nconst char embedded_${name}[] = {\n${bytes} 0};\n")
endforeach()
file(WRITE ${OUT} "${text}")
