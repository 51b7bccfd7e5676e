/// Every name a store gives to a file or directory (FORMAT section 1).
package enum FileNames {
    package static let lock = "LOCK"
    package static let journal = "JOURNAL"
    package static let reserve = "reserve"
    package static let pool = "pool"
    package static let logs = "logs"
    static let segmentSuffix = ".segment"
    static let spareSuffix = ".spare"
    /// Behind a segment's name: recovery set the file aside.
    static let damagedSuffix = ".damaged"

    package static func log(_ id: UInt64) -> String { padded(String(id, radix: 16), to: 16) }
    package static func logID(_ name: String) -> UInt64? {
        guard name.utf8.count == 16, let id = UInt64(name, radix: 16), log(id) == name else { return nil }
        return id
    }

    package static func segment(_ baseOrdinal: UInt64) -> String { padded(String(baseOrdinal), to: 20) + segmentSuffix }
    package static func baseOrdinal(_ name: String) -> UInt64? {
        guard name.hasSuffix(segmentSuffix), let base = UInt64(name.dropLast(segmentSuffix.count)), segment(base) == name
        else { return nil }
        return base
    }

    /// Of any segment: `<base>.segment`, or `<base>-<last base>-<round>.segment` of one that was written anew.
    package static func segment(_ name: SegmentName) -> String {
        let base = padded(String(name.baseOrdinal), to: 20)
        if name.round == 0 { return base + segmentSuffix }
        return "\(base)-\(padded(String(name.lastBaseOrdinal), to: 20))-\(name.round)\(segmentSuffix)"
    }
    package static func segmentName(_ text: String) -> SegmentName? {
        guard text.hasSuffix(segmentSuffix) else { return nil }
        let parts = text.dropLast(segmentSuffix.count).split(separator: "-", omittingEmptySubsequences: false)
        let name: SegmentName
        if parts.count == 1, let base = UInt64(parts[0]) {
            name = SegmentName(base)
        } else if parts.count == 3, let base = UInt64(parts[0]), let last = UInt64(parts[1]), let round = UInt32(parts[2]),
            base <= last, round > 0
        {
            name = SegmentName(base, through: last, round: round)
        } else {
            return nil
        }
        return name.text == text ? name : nil
    }

    package static func spare(byteCount: Int, number: UInt64) -> String { "\(byteCount)-\(number)\(spareSuffix)" }
    package static func spare(_ name: String) -> (byteCount: Int, number: UInt64)? {
        guard name.hasSuffix(spareSuffix) else { return nil }
        let parts = name.dropLast(spareSuffix.count).split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let byteCount = Int(parts[0]), let number = UInt64(parts[1]),
            spare(byteCount: byteCount, number: number) == name
        else { return nil }
        return (byteCount, number)
    }

    private static func padded(_ digits: String, to count: Int) -> String {
        String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }
}
