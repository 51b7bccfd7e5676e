#if Tools
    /// A digest of records: what was written and what is read back must agree in it.
    ///
    /// Finds accidents (a changed byte, a record missing, doubled or out of order), not malice.
    struct RecordDigest: Equatable, Sendable {
        private(set) var count = 0
        /// Depends on the records and on their order.
        private(set) var ordered: UInt64 = 0
        /// Depends on the records alone: the same for any order, as of a reader that merges shards.
        private(set) var unordered: UInt64 = 0

        private static let odd: UInt64 = 0x9E37_79B9_7F4A_7C15

        @inline(__always)
        mutating func add(key: RawSpan, data: RawSpan) {
            let hash = Self.fold(data, Self.fold(key, Self.odd))
            count &+= 1
            ordered = Self.mix(ordered, hash)
            unordered &+= hash
        }

        /// Of several digests' records together, whatever their order.
        struct Sum: Equatable, Sendable {
            private(set) var count: Int
            private(set) var unordered: UInt64
            init(_ digest: RecordDigest) {
                count = digest.count
                unordered = digest.unordered
            }
            mutating func add(_ digest: RecordDigest) {
                count += digest.count
                unordered &+= digest.unordered
            }
        }

        @inline(__always)
        private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
            let product = (state ^ word).multipliedFullWidth(by: odd)
            return product.high ^ product.low &+ word
        }

        @inline(__always)
        private static func fold(_ bytes: RawSpan, _ seed: UInt64) -> UInt64 {
            var state = mix(seed, UInt64(truncatingIfNeeded: bytes.byteCount))
            var at = 0
            while at &+ 8 <= bytes.byteCount {
                // Safe because eight bytes from `at` on lie inside.
                state = mix(state, unsafe bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
                at &+= 8
            }
            var rest: UInt64 = 0
            while at < bytes.byteCount {
                // Safe because the byte at `at` lies inside.
                rest = rest &<< 8 | UInt64(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt8.self))
                at &+= 1
            }
            return mix(state, rest)
        }
    }
#endif
