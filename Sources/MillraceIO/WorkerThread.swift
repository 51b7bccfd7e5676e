import CMillrace
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A named operating-system thread that runs one closure. Join it once; it must end by itself.
@safe package final class WorkerThread: @unchecked Sendable {
    private let handle: pthread_t

    /// - Parameter isBackground: others have the processor first: for work that nobody waits for and that holds no lock for long.
    package init(name: String, isBackground: Bool = false, _ body: @escaping @Sendable () -> Void) {
        let box = Box(name: String(name.prefix(15)), isBackground: isBackground, body: body)
        #if canImport(Glibc)
            var handle = pthread_t()
        #else
            var handle: pthread_t?
        #endif
        // Safe because the box is retained for the thread, which releases it.
        let context = unsafe Unmanaged.passRetained(box).toOpaque()
        let result = unsafe pthread_create(&handle, nil, { context in
            #if canImport(Glibc)
                let box = unsafe Unmanaged<Box>.fromOpaque(context!).takeRetainedValue()
            #else
                let box = unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
            #endif
            unsafe millrace_name_thread(box.name)
            if box.isBackground { millrace_yield_to_others() }
            box.body()
            return nil
        }, context)
        precondition(result == 0, "the system gives no more threads (error \(result))")
        #if canImport(Glibc)
            self.handle = handle
        #else
            unsafe self.handle = unsafe handle!
        #endif
    }

    /// Waits until the closure has returned.
    package func join() { _ = pthread_join(handle, nil) }

    private final class Box: Sendable {
        let name: String
        let isBackground: Bool
        let body: @Sendable () -> Void
        init(name: String, isBackground: Bool, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.isBackground = isBackground
            self.body = body
        }
    }
}
