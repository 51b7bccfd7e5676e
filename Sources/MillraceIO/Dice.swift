/// Chance as a value: the SplitMix64 of `SeededEntropy` for one owner, for loops that draw often.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Dice.mix(state)
    }

    /// A number in `0..<bound` (1 or more); the bias is below bound / 2^64.
    mutating func next(below bound: Int) -> Int { Dice.scale(next(), below: bound) }

    /// True with the given probability, 0...1.
    mutating func chance(_ probability: Double) -> Bool { Dice.isBelow(next(), probability) }

    // MARK: The arithmetic that `SeededEntropy` shares

    static func mix(_ state: UInt64) -> UInt64 {
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    static func scale(_ number: UInt64, below bound: Int) -> Int {
        precondition(bound > 0, "a number below \(bound)")
        return Int(number.multipliedFullWidth(by: UInt64(bound)).high)
    }

    static func isBelow(_ number: UInt64, _ probability: Double) -> Bool {
        Double(number >> 11) * 0x1p-53 < probability
    }
}
