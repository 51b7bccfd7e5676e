/// Arithmetic of ordinals: one zero bit, 23 bits of generation, 40 bits of counter (FORMAT section 2).
package enum Ordinal {
    package static let counterBits: UInt64 = 40
    package static let greatestGeneration: UInt64 = (1 << 23) - 1
    package static let greatestCounter: UInt64 = (1 << 40) - 1

    /// The first ordinal of a generation.
    @inlinable package static func first(ofGeneration generation: UInt64) -> UInt64 {
        precondition(generation <= greatestGeneration, "generation \(generation) does not fit 23 bits")
        return generation << counterBits
    }
    @inlinable package static func generation(_ ordinal: UInt64) -> UInt64 { ordinal >> counterBits }
    @inlinable package static func counter(_ ordinal: UInt64) -> UInt64 { ordinal & greatestCounter }
}
