#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Who this process is, for messages to people.
package enum ProcessIdentity {
    package static var current: Int32 { getpid() }
}
