import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: the worked example in docs/FORMAT.md is true. Method: its bytes against the fixture's, and none left out.
/// `MILLRACE_WRITE_GOLDEN=1` writes the section anew.
@Suite struct WorkedExampleTests {
    private let file: [UInt8]
    private let path: String

    init() throws {
        let golden = GoldenStore.oneRecord
        let files = Fixtures.isSet("MILLRACE_WRITE_GOLDEN") ? try golden.make().files : try golden.read().files
        let name = try #require(files.keys.first { $0.hasSuffix(".segment") })
        file = files[name]!
        path = "\(golden.path)/\(name)"
        if Fixtures.isSet("MILLRACE_WRITE_GOLDEN") { try WorkedExample.make(file).write(of: path) }
    }

    @Test func `every line of the example stands in the file`() throws {
        let lines = try WorkedExample.read().lines
        #expect(lines.count > 40)
        for line in lines {
            #expect(Array(file[line.byteOffset..<line.byteOffset + line.bytes.count]) == line.bytes, "\(line)")
        }
        #expect(lines == (try WorkedExample.make(file).lines))
    }

    @Test func `the example leaves no byte out that is not zero, the older note apart`() throws {
        var rest = file
        for line in try WorkedExample.read().lines {
            for at in line.byteOffset..<line.byteOffset + line.bytes.count { rest[at] = 0 }
        }
        let older = DurableNote.byteOffset(ofSequence: 1)
        for at in older..<older + Format.pageByteCount { rest[at] = 0 }
        #expect(rest.allSatisfy { $0 == 0 })
    }
}
