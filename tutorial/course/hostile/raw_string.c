/* says: Refused: it contains a raw string */
static const char *a = R"(")"; __asm__("nop"); static const char *b = R"(")";
static void attack(void) { (void)a, (void)b; }
