/* The implementation, for build systems that want a file: what libsgm.a is made of. */
#define SGM_IMPLEMENTATION
#include "sgm.h"
