#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A process that this one started, to be killed. Waiting for it is one system call: the class of Foundation looks only
/// every 50 ms whether it has ended.
package struct ChildProcess: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }
    /// How a process ended.
    package enum End: Equatable, Sendable {
        case exit(Int32)
        case signal(Int32)
    }
    package let processID: Int32

    /// Starts `arguments[0]`, found on PATH unless it holds a slash, with its standard output in a new file at
    /// `output`.
    package init(_ arguments: [String], output: String) throws {
        #if canImport(Glibc)
            var actions = unsafe posix_spawn_file_actions_t()
        #else
            var actions: posix_spawn_file_actions_t?
        #endif
        var processID: pid_t = 0
        // Safe because the actions, the strings and their array outlive the call, and are given back after it.
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let strings = unsafe arguments.map { unsafe strdup($0) } + [nil]
        let result = unsafe posix_spawnp(&processID, arguments[0], &actions, nil, strings, environ)
        unsafe strings.forEach { unsafe free($0) }
        unsafe posix_spawn_file_actions_destroy(&actions)
        if result != 0 { throw Failure(description: "\(arguments[0]) was not started: error \(result)") }
        self.processID = processID
    }

    package func kill() { _ = signal(SIGKILL) }

    private func signal(_ number: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.kill(processID, number)
        #else
            Darwin.kill(processID, number)
        #endif
    }

    /// Waits until the process has ended. Once.
    package func wait() -> End {
        var status: Int32 = 0
        // Safe because `status` is ours for the call.
        while unsafe waitpid(processID, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
    }
}
