import MillraceIO
import MillraceLog

/// Bytes put down by hand from the tables of docs/FORMAT.md: the tests' own writer, so that encoder and decoder are not
/// their only witnesses.
struct Bytes {
    private let owner: AlignedMemory

    init(count: Int) { owner = AlignedMemory(byteCount: count) }
    init(copying bytes: [UInt8]) {
        owner = AlignedMemory(byteCount: bytes.count)
        owner.memory.copy(unsafe bytes.span.bytes, at: 0)
    }
    static func page() -> Bytes { Bytes(count: Format.pageByteCount) }

    var count: Int { owner.memory.byteCount }
    var array: [UInt8] { owner.withMemory { $0.bytes } }

    /// Lends the memory; it is gone when the last `Bytes` is.
    func lend<Result>(_ body: (Memory) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(owner) {} }
        return try body(owner.memory)
    }

    @discardableResult
    func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at byteOffset: Int) -> Bytes {
        owner.withMemory { $0.store(value, at: byteOffset) }
        return self
    }
    @discardableResult
    func put(_ text: String, at byteOffset: Int) -> Bytes {
        for (index, byte) in text.utf8.enumerated() { put(byte, at: byteOffset + index) }
        return self
    }
    func get<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at byteOffset: Int) -> T {
        owner.withMemory { $0.load(type, at: byteOffset) }
    }
    /// Turns one bit over; twice is as before.
    func flip(bit: Int) {
        owner.withMemory { $0.store($0.load(UInt8.self, at: bit / 8) ^ 1 << UInt8(bit % 8), at: bit / 8) }
    }
    func checksum(_ range: Range<Int>, continuing seed: UInt32 = 0) -> UInt32 {
        owner.withMemory { CRC32C.of($0.slice(range.lowerBound, range.count), continuing: seed) }
    }
    /// The last four bytes of a page check the rest.
    @discardableResult
    func seal(_ seed: UInt32 = 0) -> Bytes { put(checksum(0..<4092, continuing: seed), at: 4092) }
}

/// An identity like no other, and one that differs from it in each part.
enum Sample {
    static let identity = SegmentIdentity(
        storeLow: 0x1111_2222_3333_4444, storeHigh: 0x5555_6666_7777_8888, logID: 9, baseOrdinal: 1 << 40, salt: 0xABCD)

    static let others: [(what: String, identity: SegmentIdentity)] = [
        ("store", SegmentIdentity(storeLow: 0, storeHigh: identity.storeHigh, logID: 9, baseOrdinal: 1 << 40, salt: 0xABCD)),
        ("store", SegmentIdentity(storeLow: identity.storeLow, storeHigh: 0, logID: 9, baseOrdinal: 1 << 40, salt: 0xABCD)),
        ("log", make(logID: 8)), ("base ordinal", make(baseOrdinal: 2 << 40)), ("salt", make(salt: 0xABCE)),
    ]

    static func make(logID: UInt64 = 9, baseOrdinal: UInt64 = 1 << 40, salt: UInt64 = 0xABCD) -> SegmentIdentity {
        SegmentIdentity(
            storeLow: identity.storeLow, storeHigh: identity.storeHigh, logID: logID, baseOrdinal: baseOrdinal, salt: salt)
    }
}
