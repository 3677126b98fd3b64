/*
The library in a page. A program for the browser is one C file that starts so:

    #include "web.h"

    WEB(double) half(double x) { return x / 2; }

and is compiled by `tutorial/web/build.sh half.c half.wasm`. Each function behind WEB(type) can be
called from JavaScript, through engine.js: it takes and returns numbers and pointers, no structs.
The results have the bits of a native program, for sgm.h has kernels for WebAssembly (§B.8).
*/
#define SGM_STATIC
#define SGM_NO_STDIO /* a page has no files */
#define SGM_IMPLEMENTATION
#include "sgm.h"

/* Everything else is hidden (-fvisibility=hidden), so that the linker drops what nobody calls. */
#define WEB(type) __attribute__((used, visibility("default"))) type

WEB(const char *) web_isa(void) { return sgm_isa(); }
WEB(const char *) web_error(void) { return sgm_error(); }
