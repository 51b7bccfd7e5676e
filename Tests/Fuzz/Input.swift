import MillraceIO

/// The bytes of one input, taken from the front.
struct Input {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        // Safe because the buffer is valid for its count while it is copied.
        unsafe self.bytes = [UInt8](bytes)
    }

    var count: Int { bytes.count - at }
    var isEmpty: Bool { at >= bytes.count }

    /// 0 behind the end.
    mutating func byte() -> UInt8 {
        guard at < bytes.count else { return 0 }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func number<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) -> T {
        (0..<T.bitWidth / 8).reduce(0) { $0 | T(byte()) << T(8 * $1) }
    }

    /// A number in `0..<bound`.
    mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(number(UInt32.self)) % bound }

    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(at + max(0, count), bytes.count)
        defer { at = end }
        return Array(bytes[at..<end])
    }

    /// All that is left.
    mutating func rest() -> [UInt8] { take(count) }
}

/// The options of the first byte.
struct Options {
    let rawValue: UInt8
    var repairs: Bool { rawValue & 1 == 1 }
    subscript(bit: Int) -> Bool { rawValue >> UInt8(bit) & 1 == 1 }
}

extension AlignedMemory {
    /// A copy, to the byte as long as the bytes: what is read or written behind it, the address sanitizer sees.
    convenience init(_ bytes: [UInt8], byteCount: Int? = nil) {
        self.init(byteCount: byteCount ?? bytes.count, alignment: 8)
        // Safe because any byte is a valid UInt8.
        memory.copy(unsafe bytes.span.bytes.extracting(0..<min(bytes.count, memory.byteCount)), at: 0)
    }
}
