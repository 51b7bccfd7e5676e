import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: what comes of each kind of damage changes only when somebody means it to. Method: the stores under
/// `fixtures/corrupt`, damaged once and kept, with what verifying, recovery and reading say of each, line by line.
/// `MILLRACE_WRITE_CORRUPT=1` writes stores and lines anew: right after adding one, or after a change of what is
/// reported, which the difference then shows.
@Suite(.serialized) struct KeptDamageTests {
    init() throws {
        guard Fixtures.isSet("MILLRACE_WRITE_CORRUPT") else { return }
        for kept in KeptDamage.all { try kept.write() }
    }

    @Test(arguments: KeptDamage.all) func `a kept damaged store is verified, recovered and read as before`(
        kept: KeptDamage
    ) throws {
        let image = try kept.read()
        #expect(image.segments.count >= 2)
        let found = try kept.outcome(of: image).split(separator: "\n")
        let expected = try Fixtures.text("\(kept.path)/expected.txt").split(separator: "\n")
        #expect(expected.count >= 4)
        for (line, other) in zip(found, expected) where line != other {
            Issue.record("\(kept.name): \(line), expected \(other)")
        }
        #expect(found.count == expected.count, "\(kept.name): \(found.count) lines, expected \(expected.count)")
    }

    @Test(arguments: KeptDamage.all) func `a kept damaged store holds no record but those that were put`(
        kept: KeptDamage
    ) throws {
        var known: [UInt64: PlainRecord] = [:]
        for record in try KeptDamage.store(.clean).records { known[record.ordinal] = record.record }
        for record in try KeptDamage.store(.unclean(hasNote: true, isKilled: false)).records {
            known[record.ordinal] = record.record
        }
        let store = try LogStore(
            at: "/store", create: false, io: try kept.read().disk(), clock: ManualClock(bootIdentity: (77, 77)),
            entropy: SeededEntropy(seed: 8), configuration: SweepStore.configuration(isCompressing: false))
        let (records, _) = try store.log(1).readAll(level: .durable)
        #expect(records.count > 20)
        for (ordinal, record) in records where known[ordinal] != record {
            Issue.record("\(kept.name): ordinal \(ordinal) is \(record)")
        }
    }

    @Test(arguments: KeptDamage.all) func `the kept damaged stores are made again byte for byte`(kept: KeptDamage)
        throws
    {
        let image = try kept.read()
        let made = try kept.make()
        #expect(made.keys.sorted() == image.files.keys.map { String($0.dropFirst("/store/".count)) }.sorted())
        for (name, bytes) in made { #expect(image.files["/store/\(name)"] == bytes, "\(kept.name)/\(name)") }
    }
}
