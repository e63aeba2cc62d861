# Writes OUT, a C file that contains each file of MIGRATIONS and CODE: its name, its bytes, its SHA-256.
set(arrays "")
set(index 0)
foreach(table MIGRATIONS CODE)
  set(rows_${table} "")
  set(sums_${table} "")
  foreach(file ${${table}})
    file(RELATIVE_PATH name ${SCHEMA} ${file})
    file(READ ${file} hex HEX)
    file(SHA256 ${file} sha256)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char file_${index}[] = {${bytes}0};\n")
    string(APPEND rows_${table} "    {\"${name}\", (const char *)file_${index}, \"${sha256}\"},\n")
    math(EXPR index "${index} + 1")
    string(APPEND sums_${table} "${name} ${sha256}\n")
  endforeach()
endforeach()
string(SHA256 code_sha256 "${sums_CODE}")
file(WRITE ${OUT} "#include \"migrations.h\"\n\n${arrays}
const struct migration migrations[] = {\n${rows_MIGRATIONS}    {0}};
const struct migration code_files[] = {\n${rows_CODE}    {0}};
const char code_sha256[] = \"${code_sha256}\";\n")
