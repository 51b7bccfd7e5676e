/// Names one life of one arena slot: 32 bits sequence, 4 bits size class, 28 bits index. 0 names none.
///
/// A stale reference is harmless: the sequence moves on whenever the slot is reused, and `Arena.pin` refuses then.
package struct SlotReference: Equatable, Sendable {
    package let rawValue: UInt64
    package static let none = SlotReference(rawValue: 0)

    @inlinable package init(rawValue: UInt64) { self.rawValue = rawValue }
    init(sequence: UInt32, sizeClass: Int, index: Int) {
        rawValue = UInt64(sequence) << 32 | UInt64(sizeClass) << 28 | UInt64(index)
    }
    var sequence: UInt64 { rawValue >> 32 }
    var sizeClass: Int { Int(rawValue >> 28 & 0xF) }
    package var index: Int { Int(rawValue & 0xFFF_FFFF) }
    package var isNone: Bool { rawValue == 0 }
}
