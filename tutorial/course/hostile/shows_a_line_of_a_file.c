/* says: Refused: it has a #line */
#line 1 "/etc/passwd"
int shown = nothing;
static void attack(void) {}
