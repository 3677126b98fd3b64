/* says: Refused: it contains a trigraph */
??=include "/etc/passwd"
static void attack(void) {}
