// Runs a script with QuickJS: `print` writes a line, `scriptArgs` holds the arguments. The
// project's own shell wants signals, threads and loading of libraries, which WASI lacks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quickjs.h"

static JSValue print(JSContext* context, JSValueConst self, int argc, JSValueConst* argv) {
  (void)self;
  for (int i = 0; i < argc; ++i) {
    const char* text = JS_ToCString(context, argv[i]);
    if (text == NULL) return JS_EXCEPTION;
    printf("%s%s", i == 0 ? "" : " ", text);
    JS_FreeCString(context, text);
  }
  putchar('\n');
  return JS_UNDEFINED;
}

static char* read_all(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) return NULL;
  char* text = NULL;
  size_t room = 0;
  *size = 0;
  for (;;) {
    if (*size + 1 >= room) {
      room = room == 0 ? 65536 : 2 * room;
      text = realloc(text, room);
      if (text == NULL) abort();
    }
    const size_t got = fread(text + *size, 1, room - *size - 1, file);
    if (got == 0) break;
    *size += got;
  }
  text[*size] = '\0';
  fclose(file);
  return text;
}

int main(int argc, char** argv) {
  size_t size;
  char* text = argc > 1 ? read_all(argv[1], &size) : NULL;
  if (text == NULL) {
    fprintf(stderr, "usage: quickjs SCRIPT [ARGUMENTS...]\n");
    return 2;
  }
  JSRuntime* runtime = JS_NewRuntime();
  JSContext* context = JS_NewContext(runtime);
  JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "print", JS_NewCFunction(context, print, "print", 1));
  JSValue arguments = JS_NewArray(context);
  for (int i = 2; i < argc; ++i) {
    JS_SetPropertyUint32(context, arguments, (uint32_t)(i - 2), JS_NewString(context, argv[i]));
  }
  JS_SetPropertyStr(context, global, "scriptArgs", arguments);
  JSValue result = JS_Eval(context, text, size, argv[1], JS_EVAL_TYPE_GLOBAL);
  int code = 0;
  if (JS_IsException(result)) {
    JSValue error = JS_GetException(context);
    const char* message = JS_ToCString(context, error);
    fprintf(stderr, "%s\n", message != NULL ? message : "an error");
    JS_FreeCString(context, message);
    JS_FreeValue(context, error);
    code = 1;
  }
  JS_FreeValue(context, result);
  JS_FreeValue(context, global);
  JS_FreeContext(context);
  JS_FreeRuntime(runtime);
  free(text);
  return code;
}
