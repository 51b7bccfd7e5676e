import MillraceIO
import MillraceLog
import MillraceTestKit

/// One thing that is wrong with one file.
struct SweepFault: CustomStringConvertible {
    enum Change {
        /// Bytes that stand in place of others.
        case put([(at: Int, bytes: [UInt8])])
        /// The file ends here.
        case cut(Int)
    }
    let path: String
    let change: Change
    let what: String

    var description: String { "\(what) of \(path)" }

    static func flip(bit: Int, of path: String, _ original: [UInt8]) -> SweepFault {
        let at = bit / 8
        return SweepFault(
            path: path, change: .put([(at, [original[at] ^ 1 << UInt8(bit % 8)])]), what: "bit \(bit % 8) of byte \(at)"
        )
    }

    static func put(_ bytes: [UInt8], at byteOffset: Int, of path: String, _ what: String) -> SweepFault {
        SweepFault(path: path, change: .put([(byteOffset, bytes)]), what: "\(what) at \(byteOffset)")
    }

    /// Whether the fault changes a byte of the range at all.
    func hits(_ range: Range<Int>, _ original: [UInt8]) -> Bool {
        switch change {
        case .cut(let end): return end < range.upperBound
        case .put(let pieces):
            return pieces.contains { piece in
                let common = range.clamped(to: piece.at..<piece.at + piece.bytes.count)
                return common.contains { piece.bytes[$0 - piece.at] != original[$0] }
            }
        }
    }

    /// Puts the fault on a disk that nobody has open.
    func apply(to disk: ShadowIO) throws {
        var parts = path.split(separator: "/").map(String.init)
        let name = parts.removeLast()
        var directory = try disk.openDirectory(at: "/" + parts.removeFirst(), create: false)
        for part in parts {
            let next = try disk.openDirectory(part, in: directory, create: false)
            disk.close(directory)
            directory = next
        }
        let file = try disk.openFile(name, in: directory, writable: true)
        switch change {
        case .cut(let end): try disk.allocate(file, byteCount: end)
        case .put(let pieces):
            for piece in pieces {
                let memory = AlignedMemory(byteCount: piece.bytes.count, alignment: 8)
                memory.memory.copy(unsafe piece.bytes.span.bytes, at: 0)
                try memory.withMemory { memory throws(IOError) in try disk.write(file, at: piece.at, [memory]) }
            }
        }
        try disk.sync(file)
        disk.close(file)
        disk.close(directory)
    }
}

/// What a sweep has seen so far. Printed at its end for the lane, which adds up.
struct SweepCount {
    var faults = 0
    var wrongRecords = 0
    /// Lost though nothing of them was hit, or lost and not named.
    var otherViolations = 0
    /// What cost nothing, what cost records, and what kept the store from opening.
    var harmless = 0, costly = 0, refused = 0

    func report(_ what: String) {
        print(
            "corruption faults: \(faults), wrong records: \(wrongRecords), other violations: \(otherViolations), "
                + "harmless: \(harmless), with loss: \(costly), refused: \(refused) (\(what))")
    }
}
