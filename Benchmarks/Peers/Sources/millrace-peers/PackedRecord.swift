/// Key and data as one value, for engines that keep one value under an ordinal: the key's length in two bytes, the
/// key, the data. One of these is the room for the value of one record after the other, for one thread.
final class PackedRecord {
    private var bytes: [UInt8] = []

    static func byteCount(key: RawSpan, data: RawSpan) -> Int { 2 + key.byteCount + data.byteCount }

    /// An ordinal as bytes that sort as the numbers do.
    static func sortable(_ ordinal: Int) -> UInt64 { UInt64(ordinal).bigEndian }

    /// Lends the value to `body`.
    @inline(__always)
    func withBytes(
        key: RawSpan, data: RawSpan, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        let byteCount = Self.byteCount(key: key, data: data)
        if bytes.count < byteCount { bytes = [UInt8](repeating: 0, count: byteCount) }
        // Safe because there is room for the value, and no more than it is lent.
        try unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe Self.write(key: key, data: data, to: bytes.baseAddress!)
            try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]))
        }
    }

    /// Writes `byteCount(key:data:)` bytes to `target`, which has room for them.
    @inline(__always)
    static func write(key: RawSpan, data: RawSpan, to target: UnsafeMutableRawPointer) {
        // Safe because the caller gives the room, and the spans are no part of it.
        unsafe target.storeBytes(of: UInt16(key.byteCount), as: UInt16.self)
        unsafe copy(key, to: target + 2)
        unsafe copy(data, to: target + 2 + key.byteCount)
    }

    @inline(__always)
    private static func copy(_ span: RawSpan, to target: UnsafeMutableRawPointer) {
        // Safe because the caller gives the room.
        unsafe span.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { unsafe target.copyMemory(from: base, byteCount: bytes.count) }
        }
    }

    /// Lends key and data of a value to `body`.
    @inline(__always)
    static func read(_ value: UnsafeRawBufferPointer, _ body: (RawSpan, RawSpan) -> Void) throws {
        // Safe because the value stays as it is during the call, and no more than its bytes are lent.
        let bytes = unsafe value.bytes
        guard bytes.byteCount >= 2 else { throw BenchError("a value of \(bytes.byteCount) bytes is no record") }
        let keyEnd = 2 + Int(unsafe bytes.unsafeLoadUnaligned(as: UInt16.self))
        guard keyEnd <= bytes.byteCount else { throw BenchError("a key is longer than its value") }
        body(bytes.extracting(2..<keyEnd), bytes.extracting(keyEnd..<bytes.byteCount))
    }
}
