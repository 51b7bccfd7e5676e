#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension IOError {
    /// The file system gives no file another name there; see `StorageIO.link`.
    package var refusesEveryLink: Bool { [EXDEV, EPERM, EOPNOTSUPP, ENOTSUP, ENOSYS].contains(errorNumber) }
    /// That, or this file has as many names as it may have.
    package var refusesLink: Bool { refusesEveryLink || errorNumber == EMLINK }
}
