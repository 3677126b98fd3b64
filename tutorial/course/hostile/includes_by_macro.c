/* says: Refused: an #include names no file */
#define FILE_ "/etc/passwd"
%:include FILE_
static void attack(void) {}
