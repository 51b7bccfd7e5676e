package import MillraceIO
import Synchronization

/// The store's fixed slots of memory, in a few size classes, for every image: open, in flight, cached.
///
/// Each class has its own stretch of reserved address space; a slot's memory becomes resident when it is first used and
/// counts against one byte budget. The budget has two shares that can never take from each other: `write` for slots
/// between their allocation by a writer and the moment their records are written, `read` for what readers hold.
/// What neither holds is a cache that both may evict. So the writer never waits for a reader.
///
/// Everything here may be called from any thread. Allocation, pin and unpin are lock-free; only making room across size
/// classes takes a lock, which no append path takes while a slot of its class can be had otherwise.
///
/// Slot state word, in a 64-byte descriptor apart from the slot's memory:
/// `sequence (32 bits) | evictable (1 bit) | holds (31 bits)`. A slot is free when `holds` is 0.
/// Invariant: only a slot with holds = 1 and evictable set (its cache hold) is taken from the cache.
package final class Arena: Sendable {
    /// Byte counts of the slots, ascending.
    package let classByteCounts: [Int]
    package let budgetByteCount: Int
    package let writeShareByteCount: Int
    package let readShareByteCount: Int

    private let regions: [AnonymousRegion]
    private let descriptors: [AnonymousRegion]
    private let capacities: [Int]
    /// Per class, three cache line pairs: the head (tag 32 | index + 1) of the list of free slots, that of the free slots
    /// whose memory was given back, and the bump count with the clock hand.
    private let heads: AnonymousRegion
    private let writeHeld = Atomic<Int>(0)
    private let readHeld = Atomic<Int>(0)
    private let resident = Atomic<Int>(0)
    /// Bytes of slots with a cache hold, pinned or not.
    private let cached = Atomic<Int>(0)
    /// Beyond so much cache a slot is taken from it rather than from memory never used.
    private let cacheTargetByteCount: Int
    private let makingRoom = Guarded<Void>(())
    /// Notified when a class was used beyond what was populated ahead.
    private let needsPages: EventCount

    private static let descriptorByteCount = 64
    private static let stateAt = 0, nextAt = 8
    private static let headStride = 384, freeAt = 0, emptyAt = 128, bumpAt = 256, handAt = 264, populatedAt = 272
    /// How far ahead of the slots in use pages are populated, once a class is in use at all, and in what steps.
    private static let aheadByteCount = 8 << 20, aheadStep = 2 << 20
    private static let evictable: UInt64 = 1 << 31
    private static let holdsMask: UInt64 = (1 << 31) - 1

    /// - Parameters:
    ///   - classByteCounts: ascending multiples of 4,096, at most 16.
    ///   - budgetByteCount: resident bytes in all; `writeShareByteCount` of them are the writers'.
    package init(
        classByteCounts: [Int], budgetByteCount: Int, writeShareByteCount: Int, cacheTargetByteCount: Int,
        needsPages: EventCount
    ) throws(IOError) {
        self.needsPages = needsPages
        self.cacheTargetByteCount = cacheTargetByteCount
        precondition(classByteCounts.count <= 16 && writeShareByteCount < budgetByteCount)
        self.classByteCounts = classByteCounts
        self.budgetByteCount = budgetByteCount
        self.writeShareByteCount = writeShareByteCount
        readShareByteCount = budgetByteCount - writeShareByteCount
        let capacities = classByteCounts.map { min(budgetByteCount / $0 + 1, 1 << 27) }
        let all = try AnonymousRegion.several(
            zip(classByteCounts, capacities).map { $0 * $1 } + capacities.map { $0 * Self.descriptorByteCount }
                + [16 * Self.headStride])
        self.capacities = capacities
        regions = Array(all[..<capacities.count])
        descriptors = Array(all[capacities.count..<2 * capacities.count])
        heads = all[2 * capacities.count]
    }

    /// The smallest class with slots of at least so many bytes.
    package func sizeClass(fitting byteCount: Int) -> Int? { classByteCounts.firstIndex { $0 >= byteCount } }

    /// The slot's memory. Valid while the caller holds the slot.
    package func memory(_ slot: SlotReference) -> Memory {
        let byteCount = classByteCounts[slot.sizeClass]
        return regions[slot.sizeClass].memory.slice(slot.index * byteCount, byteCount)
    }

    package var heldForWritingByteCount: Int { writeHeld.load(ordering: .relaxed) }
    package var heldForReadingByteCount: Int { readHeld.load(ordering: .relaxed) }
    package var residentByteCount: Int { resident.load(ordering: .relaxed) }

    // MARK: Holding

    /// A slot for a writer, held by it until `makeEvictable` or `free`; nil when the write share is used up.
    package func allocateForWriting(sizeClass: Int) -> SlotReference? {
        allocate(sizeClass, from: writeHeld, limit: writeShareByteCount)
    }

    /// A slot for an image read from disk, held twice: by the cache, and pinned by the caller.
    /// nil when readers hold their share already.
    package func allocateForReading(sizeClass: Int) -> SlotReference? {
        guard let slot = allocate(sizeClass, from: readHeld, limit: readShareByteCount) else { return nil }
        // Nobody else can see the slot yet; the pin is the caller's, the evictable hold the cache's.
        cached.add(classByteCounts[sizeClass], ordering: .relaxed)
        descriptor(slot).add(Self.evictable + 1, at: Self.stateAt)
        return slot
    }

    /// The writer lets go: the image stays as a cache that readers find until somebody needs the memory.
    /// False when that was done before, and nothing is done: whatever has become of the slot since.
    package func makeEvictable(_ slot: SlotReference) -> Bool {
        let byteCount = classByteCounts[slot.sizeClass], descriptor = descriptor(slot)
        // Counted first: whoever evicts it subtracts.
        cached.add(byteCount, ordering: .relaxed)
        while true {
            let state = descriptor.loadOrdered(at: Self.stateAt)
            guard state >> 32 == slot.sequence, state & Self.evictable == 0, state & Self.holdsMask > 0 else {
                cached.subtract(byteCount, ordering: .relaxed)
                return false
            }
            if descriptor.compareExchange(expected: state, desired: state | Self.evictable, at: Self.stateAt) { break }
        }
        writeHeld.subtract(byteCount, ordering: .relaxed)
        return true
    }

    /// Frees the slot if it is a cached image in that life and nobody pins it.
    package func dropCached(_ slot: SlotReference) {
        guard !slot.isNone else { return }
        let expected = slot.sequence << 32 | Self.evictable | 1
        let next = Self.sequence(after: expected) << 32
        guard descriptor(slot).compareExchange(expected: expected, desired: next, at: Self.stateAt) else { return }
        cached.subtract(classByteCounts[slot.sizeClass], ordering: .relaxed)
        push(slot.sizeClass, slot.index, to: Self.freeAt)
    }

    /// The writer gives back a slot that nobody else has seen.
    package func freeUnseen(_ slot: SlotReference) {
        writeHeld.subtract(classByteCounts[slot.sizeClass], ordering: .relaxed)
        retire(slot, expected: slot.sequence << 32 | 1)
    }

    package enum PinResult: Sendable { case pinned, stale, tooManyHeld }

    /// Holds the slot for reading if it still lives the life that `slot` names. One `unpin` for each `.pinned`.
    package func pin(_ slot: SlotReference) -> PinResult {
        if slot.isNone { return .stale }
        let byteCount = classByteCounts[slot.sizeClass]
        let held = readHeld.add(byteCount, ordering: .relaxed).newValue
        guard held <= readShareByteCount else {
            readHeld.subtract(byteCount, ordering: .relaxed)
            return .tooManyHeld
        }
        let descriptor = descriptor(slot)
        while true {
            let state = descriptor.loadOrdered(at: Self.stateAt)
            guard state >> 32 == slot.sequence, state & Self.holdsMask > 0 else {
                readHeld.subtract(byteCount, ordering: .relaxed)
                return .stale
            }
            // Sequentially consistent; pairs with the compare-and-exchange of `retire`: either the evictor sees this
            // hold, or this sees the new sequence.
            if descriptor.compareExchange(expected: state, desired: state + 1, at: Self.stateAt) { return .pinned }
        }
    }

    /// Whether the slot still lives the life that `slot` names. It may end at any time after.
    func lives(_ slot: SlotReference) -> Bool {
        if slot.isNone { return false }
        let state = descriptor(slot).loadOrdered(at: Self.stateAt)
        return state >> 32 == slot.sequence && state & Self.holdsMask > 0
    }

    package func unpin(_ slot: SlotReference) {
        let before = descriptor(slot).subtract(1, at: Self.stateAt)
        assert(before & Self.holdsMask > 1, "the cache hold outlives every pin")
        readHeld.subtract(classByteCounts[slot.sizeClass], ordering: .relaxed)
    }

    // MARK: Finding memory

    private func allocate(_ sizeClass: Int, from held: borrowing Atomic<Int>, limit: Int) -> SlotReference? {
        let byteCount = classByteCounts[sizeClass]
        guard held.add(byteCount, ordering: .relaxed).newValue <= limit else {
            held.subtract(byteCount, ordering: .relaxed)
            return nil
        }
        if let slot = takeFree(sizeClass) { return slot }
        // Reusing warm memory beats touching new; but a cache of some size is worth new memory.
        let isCacheLarge = cached.load(ordering: .relaxed) > cacheTargetByteCount
        if isCacheLarge, let slot = evict(sizeClass) { return slot }
        if let slot = takeFresh(sizeClass) ?? evict(sizeClass) ?? takeAfterMakingRoom(sizeClass) { return slot }
        held.subtract(byteCount, ordering: .relaxed)
        return nil
    }

    private func takeFree(_ sizeClass: Int) -> SlotReference? {
        if let index = pop(sizeClass, from: Self.freeAt) { return hold(sizeClass, index) }
        guard let index = pop(sizeClass, from: Self.emptyAt) else { return nil }
        guard makeResident(sizeClass, index) else {
            push(sizeClass, index, to: Self.emptyAt)
            return nil
        }
        return hold(sizeClass, index)
    }

    private func takeFresh(_ sizeClass: Int) -> SlotReference? {
        let head = head(sizeClass)
        guard head.loadRelaxed(at: Self.bumpAt) < UInt64(capacities[sizeClass]) else { return nil }
        guard resident.load(ordering: .relaxed) + classByteCounts[sizeClass] <= budgetByteCount else { return nil }
        let index = head.add(1, at: Self.bumpAt)
        guard index < UInt64(capacities[sizeClass]) else {
            head.subtract(1, at: Self.bumpAt)
            return nil
        }
        guard makeResident(sizeClass, Int(index)) else {
            push(sizeClass, Int(index), to: Self.emptyAt)
            return nil
        }
        return hold(sizeClass, Int(index))
    }

    /// Gives a free slot its first hold. Its sequence moved on when it was retired.
    private func hold(_ sizeClass: Int, _ index: Int) -> SlotReference {
        let descriptor = descriptor(sizeClass, index)
        let sequence = max(descriptor.loadRelaxed(at: Self.stateAt) >> 32, 1)
        descriptor.exchange(sequence << 32 | 1, at: Self.stateAt)
        return SlotReference(sequence: UInt32(sequence), sizeClass: sizeClass, index: index)
    }

    private func makeResident(_ sizeClass: Int, _ index: Int) -> Bool {
        let byteCount = classByteCounts[sizeClass]
        guard resident.add(byteCount, ordering: .relaxed).newValue <= budgetByteCount else {
            resident.subtract(byteCount, ordering: .relaxed)
            return false
        }
        let end = (index + 1) * byteCount
        if end > Int(head(sizeClass).loadRelaxed(at: Self.populatedAt)) {
            // A hint: where it fails, the first touch of each page faults it in.
            try? regions[sizeClass].populate(index * byteCount..<end)
        }
        if sizeClass == Self.aheadClass { needsPages.notify() }
        return true
    }

    /// Ordinary buffers: the one class worth running ahead for.
    private static let aheadClass = 1

    /// Populates a stretch ahead of the ordinary slots in use, so that a writer need not. False when there is no need. One caller at
    /// a time.
    package func populateStep() -> Bool {
        let head = head(Self.aheadClass)
        let byteCount = classByteCounts[Self.aheadClass]
        let used = Int(head.loadRelaxed(at: Self.bumpAt)) * byteCount
        let populated = max(Int(head.loadRelaxed(at: Self.populatedAt)), used)
        let limit = min(capacities[Self.aheadClass] * byteCount, budgetByteCount)
        guard used > 0, populated < min(used + Self.aheadByteCount, limit) else { return false }
        let end = min((populated / Self.aheadStep + 1) * Self.aheadStep, limit)
        do { try regions[Self.aheadClass].populate(populated..<end) } catch { return false }
        head.storeRelaxed(UInt64(end), at: Self.populatedAt)
        return true
    }

    /// Takes the next cached slot that nobody pins, round the class in order, at most once round. Of several callers at once each goes its own
    /// round, so that each finds a slot if there is one for it.
    ///
    /// The hand is an index, not a count of steps: what is left of a count would jump to anywhere, also in front of the newest, whenever a slot
    /// is added.
    private func evict(_ sizeClass: Int) -> SlotReference? {
        let head = head(sizeClass), used = min(Int(head.loadRelaxed(at: Self.bumpAt)), capacities[sizeClass])
        let hand = Int(head.loadRelaxed(at: Self.handAt))
        for step in 0..<used {
            let index = (hand + step) % used
            let descriptor = descriptor(sizeClass, index)
            let state = descriptor.loadOrdered(at: Self.stateAt)
            guard state & (Self.evictable | Self.holdsMask) == Self.evictable | 1
                || seeded(.reuseWhilePinned) && state & Self.evictable != 0
            else { continue }
            let sequence = Self.sequence(after: state)
            if descriptor.compareExchange(expected: state, desired: sequence << 32 | 1, at: Self.stateAt) {
                head.storeRelaxed(UInt64(index + 1), at: Self.handAt)
                cached.subtract(classByteCounts[sizeClass], ordering: .relaxed)
                return SlotReference(sequence: UInt32(sequence), sizeClass: sizeClass, index: index)
            }
        }
        return nil
    }

    /// Gives back free and cached slots of other classes until one of this class fits the budget.
    private func takeAfterMakingRoom(_ sizeClass: Int) -> SlotReference? {
        makingRoom.withLock { _ in
            for other in classByteCounts.indices where other != sizeClass {
                for round in 0..<2 {
                    while resident.load(ordering: .relaxed) + classByteCounts[sizeClass] > budgetByteCount {
                        // First what is free already, then what is only cached.
                        if round == 0 {
                            guard giveBackOneFree(other) else { break }
                        } else {
                            guard let slot = evict(other) else { break }
                            retire(slot, expected: slot.sequence << 32 | 1)
                            _ = giveBackOneFree(other)
                        }
                    }
                }
            }
            return takeFree(sizeClass) ?? takeFresh(sizeClass) ?? evict(sizeClass)
        }
    }

    /// Returns the memory of free slots to the system; how many bytes. For an idle store.
    package func giveBackFree() -> Int {
        makingRoom.withLock { _ in
            let before = resident.load(ordering: .relaxed)
            for sizeClass in classByteCounts.indices { while giveBackOneFree(sizeClass) {} }
            return before - resident.load(ordering: .relaxed)
        }
    }

    /// Drops every cached image that nobody pins and gives its memory back; how many bytes.
    package func dropCache() -> Int {
        for sizeClass in classByteCounts.indices {
            while let slot = evict(sizeClass) { retire(slot, expected: slot.sequence << 32 | 1) }
        }
        return giveBackFree()
    }

    private func giveBackOneFree(_ sizeClass: Int) -> Bool {
        guard let index = pop(sizeClass, from: Self.freeAt) else { return false }
        let byteCount = classByteCounts[sizeClass]
        do {
            try regions[sizeClass].giveBack(index * byteCount..<(index + 1) * byteCount)
        } catch {
            // The kernel keeps it: the slot stays resident and free.
            push(sizeClass, index, to: Self.freeAt)
            return false
        }
        resident.subtract(byteCount, ordering: .relaxed)
        push(sizeClass, index, to: Self.emptyAt)
        return true
    }

    // MARK: The words

    private static func sequence(after state: UInt64) -> UInt64 {
        let next = ((state >> 32) + 1) & 0xFFFF_FFFF
        return next == 0 ? 1 : next
    }

    /// Ends the slot's life and puts it on the free list. `expected` is its state: one hold, not evictable.
    private func retire(_ slot: SlotReference, expected: UInt64) {
        let next = Self.sequence(after: expected) << 32
        guard descriptor(slot).compareExchange(expected: expected, desired: next, at: Self.stateAt) else {
            preconditionFailure("a slot that nobody else has seen changed its state")
        }
        push(slot.sizeClass, slot.index, to: Self.freeAt)
    }

    private func head(_ sizeClass: Int) -> Memory { heads.memory.slice(sizeClass * Self.headStride, Self.headStride) }
    private func descriptor(_ slot: SlotReference) -> Memory { descriptor(slot.sizeClass, slot.index) }
    private func descriptor(_ sizeClass: Int, _ index: Int) -> Memory {
        descriptors[sizeClass].memory.slice(index * Self.descriptorByteCount, Self.descriptorByteCount)
    }

    /// The lists are stacks linked by index. The tag counts pushes and pops, so that a head that left and came back in
    /// between does not pass for unchanged.
    private func push(_ sizeClass: Int, _ index: Int, to list: Int) {
        let head = head(sizeClass), descriptor = descriptor(sizeClass, index)
        while true {
            let top = head.loadOrdered(at: list)
            descriptor.storeRelease(top & 0xFFFF_FFFF, at: Self.nextAt)
            let new = ((top >> 32 &+ 1) & 0xFFFF_FFFF) << 32 | UInt64(index + 1)
            if head.compareExchange(expected: top, desired: new, at: list) { return }
        }
    }
    private func pop(_ sizeClass: Int, from list: Int) -> Int? {
        let head = head(sizeClass)
        while true {
            let top = head.loadOrdered(at: list)
            guard top & 0xFFFF_FFFF != 0 else { return nil }
            let index = Int(top & 0xFFFF_FFFF) - 1
            let next = descriptor(sizeClass, index).loadAcquire(at: Self.nextAt)
            let new = ((top >> 32 &+ 1) & 0xFFFF_FFFF) << 32 | next
            if head.compareExchange(expected: top, desired: new, at: list) { return index }
        }
    }
}
