// Many references to one Swift object, taken and given back at once. In a file of its own and not inline, so that the Swift
// compiler, which knows the runtime's functions by name, moves none of them.
#include "CMillrace.h"

// Swift's runtime, stable since Swift 5: see "Runtime functions" in docs/Runtime.md of the Swift project.
extern void *swift_retain_n(void *object, uint32_t count);
extern void swift_release_n(void *object, uint32_t count);

void millrace_retain(const void *object, uint32_t count) { (void)swift_retain_n((void *)object, count); }
void millrace_release(const void *object, uint32_t count) { swift_release_n((void *)object, count); }
