import MillraceIO

/// What a reader who goes on from block to block knows of its way: that it does, and how far the file is resident before it.
///
/// Small blocks are made resident many at once, since the system call takes longer than to decode one. What is evicted before the
/// reader gets there is read again when it is touched, as a raw block's payload is that is lent from the mapping.
struct ReadStretch: Sendable {
    /// The reader comes from the block before and will come to those behind.
    let goesOn: Bool
    /// The file of which the bytes from where the reader stands to `residentBelow` are resident.
    private var salt: UInt64 = 0
    private var residentBelow = 0

    private let byteCount: Int

    /// `goesOn` is false at first, and after each jump. So many bytes are made resident in one call.
    init(goesOn: Bool, byteCount: Int = 16 << 10) {
        self.goesOn = goesOn
        self.byteCount = byteCount
    }

    /// Makes block `number` resident, with some behind it where they are small; where that ends. 0 where a block is better brought by
    /// itself, or cannot be brought with others.
    mutating func bring(_ number: Int, of open: OpenSegment, _ content: SegmentContent) -> Int {
        let index = content.index
        guard goesOn, number + 1 < index.count else { return 0 }
        let at = index[number].byteOffset, next = index[number + 1].byteOffset
        if next <= residentBelow, salt == content.identity.salt { return residentBelow }
        // Of the newest block only the start is known.
        let end = min(at + byteCount, index[index.count - 1].byteOffset, open.memory.byteCount)
        guard next - at <= byteCount / 2, end >= next, (try? open.resident(at, end - at)) != nil else { return 0 }
        (salt, residentBelow) = (content.identity.salt, end)
        return end
    }
}
