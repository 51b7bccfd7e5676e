import CMillrace

/// Tells the processor that this is a spin loop.
@inline(__always) func spinHint() { millrace_spin_hint() }
