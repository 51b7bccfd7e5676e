/// SipHash-2-4: a keyed hash of short texts, in a form of 64 and one of 128 bits. The MAC of the store's tokens.
///
/// A token has to come back as it was given out, and nobody else may make one. What that takes is a pseudorandom
/// function with a secret key: without the key nobody can tell its values from chance, so a text whose value one has
/// not seen is guessed with probability 2^-64 or 2^-128 a try, and each try is a call. SipHash-2-4 was designed as such
/// a function, with a key of 128 bits, and no attack on it better than trying keys is known.
///
/// It is not: encryption (what is in a token can be read), collision resistant for whoever knows the key (so it is no
/// fingerprint), nor a signature (whoever can check can forge). It says nothing about when and how often a token is
/// used; its time of issue does. Source: Aumasson, Bernstein: SipHash, a fast short-input PRF, 2012.
package enum SipHash {
    /// The key, as two little-endian words of its 16 bytes.
    package struct Key: Hashable, Sendable {
        package let low: UInt64
        package let high: UInt64

        package init(low: UInt64, high: UInt64) {
            self.low = low
            self.high = high
        }
    }

    /// The value of 64 bits; its bytes are those of the integer, little-endian. O(count).
    package static func hash64(_ bytes: Span<UInt8>, key: Key) -> UInt64 {
        var state = State(key, isWide: false)
        state.absorb(bytes)
        return state.finish(0xff)
    }

    /// The value of 128 bits; its bytes are those of the integer, little-endian. O(count).
    package static func hash128(_ bytes: Span<UInt8>, key: Key) -> UInt128 {
        var state = State(key, isWide: true)
        state.absorb(bytes)
        let low = state.finish(0xee)
        return UInt128(state.finishAgain()) << 64 | UInt128(low)
    }

    /// Whether two values are the same, in a time that does not depend on where they differ.
    ///
    /// With a time that does, a forger would find a value one byte after the other.
    @inline(never)
    package static func areEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for place in left.indices { difference |= left[place] ^ right[place] }
        return difference == 0
    }

    private struct State {
        // The words the paper calls v0 to v3.
        private var first: UInt64
        private var second: UInt64
        private var third: UInt64
        private var fourth: UInt64

        init(_ key: Key, isWide: Bool) {
            first = key.low ^ 0x736f_6d65_7073_6575
            second = key.high ^ 0x646f_7261_6e64_6f6d ^ (isWide ? 0xee : 0)
            third = key.low ^ 0x6c79_6765_6e65_7261
            fourth = key.high ^ 0x7465_6462_7974_6573
        }

        /// Whole words, then one of the bytes left over with the count, modulo 256, on top.
        mutating func absorb(_ bytes: Span<UInt8>) {
            var word: UInt64 = 0
            for place in bytes.indices {
                word |= UInt64(bytes[place]) &<< UInt64(truncatingIfNeeded: 8 &* (place & 7))
                if place & 7 == 7 {
                    compress(word)
                    word = 0
                }
            }
            compress(word | UInt64(truncatingIfNeeded: bytes.count) &<< 56)
        }

        private mutating func compress(_ word: UInt64) {
            fourth ^= word
            mix(2)
            first ^= word
        }

        mutating func finish(_ mark: UInt64) -> UInt64 {
            third ^= mark
            mix(4)
            return first ^ second ^ third ^ fourth
        }

        /// The upper half of a value of 128 bits.
        mutating func finishAgain() -> UInt64 {
            second ^= 0xdd
            mix(4)
            return first ^ second ^ third ^ fourth
        }

        private mutating func mix(_ roundCount: Int) {
            for _ in 0..<roundCount {
                first &+= second
                second = Self.rotate(second, 13) ^ first
                first = Self.rotate(first, 32)
                third &+= fourth
                fourth = Self.rotate(fourth, 16) ^ third
                first &+= fourth
                fourth = Self.rotate(fourth, 21) ^ first
                third &+= second
                second = Self.rotate(second, 17) ^ third
                third = Self.rotate(third, 32)
            }
        }

        private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
            word &<< count | word &>> (64 &- count)
        }
    }
}
