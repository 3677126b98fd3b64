/* says: Refused: it includes */
#inc\
lude /* quietly */ "../out/labs/own.inc"
static void attack(void) {}
