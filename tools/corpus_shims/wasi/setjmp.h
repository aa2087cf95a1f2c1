// wasi-libc has no setjmp. What includes this header must not call it: Lua is told another way
// of handling errors (it aborts).
#ifndef GANTRY_CORPUS_SETJMP_H_
#define GANTRY_CORPUS_SETJMP_H_

typedef int jmp_buf[1];

#endif  // GANTRY_CORPUS_SETJMP_H_
