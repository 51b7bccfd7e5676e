import MillraceIO
import MillraceLog

/// A block under right checksums whose few bytes claim as much as a header may, decoded as `StoreVerification` does:
/// the most time and memory that one block may cost.
package struct GreatestClaim {
    package let what: String
    fileprivate let block: Forge.Block

    /// Milliseconds of processor time for directory and payload.
    package func measure() -> Double {
        let bytes = AlignedMemory(block.bytes(at: 0, Checksums.identity))
        return FuzzTarget.measure {
            bytes.withMemory { memory in
                guard
                    let header = BlockHeader.decode(
                        memory, at: 0, limit: memory.byteCount, identity: Checksums.identity)
                else {
                    fatalError("property violated: \(what) does not decode")
                }
                BlockFuzz.checkSizes(header, room: memory.byteCount)
                BlockFuzz.decode(header, memory.slice(header.headerByteCount, header.bodyByteCount))
            }
        }
    }
}

extension FuzzSeeds {
    package static let greatestClaims: [GreatestClaim] = {
        let empty = equalRecords(key: 0, data: 0)
        let raw = 255 * 60_000
        return [
            GreatestClaim(
                what: "records of no bytes",
                block: Forge.Block(
                    recordCount: Format.greatestRecordCount, directory: empty, rawByteCount: 0, stored: [])),
            GreatestClaim(
                what: "one byte many times",
                block: Forge.Block(
                    recordCount: 1, directory: equalRecords(key: 0, data: raw), rawByteCount: raw,
                    stored: packed(raw - 6), codec: .lz4)),
        ]
    }()
}
