import Synchronization

/// Chance that repeats: the same seed gives the same numbers, on every machine. Any thread may draw; the order
/// of draws is then the order of arrival.
///
/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). Not for secrets.
package final class SeededEntropy: Entropy {
    package let seed: UInt64
    private let state: Atomic<UInt64>

    package init(seed: UInt64) {
        self.seed = seed
        state = Atomic(seed)
    }

    package func next() -> UInt64 {
        // Relaxed: the numbers order nothing but themselves.
        Dice.mix(state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue)
    }

    /// A number in `0..<bound` (1 or more); the bias is below bound / 2^64.
    package func next(below bound: Int) -> Int {
        Dice.scale(next(), below: bound)
    }

    /// True with the given probability, 0...1.
    package func chance(_ probability: Double) -> Bool {
        Dice.isBelow(next(), probability)
    }
}
