import Foundation
import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: a store that this process must not or cannot write to is refused by name, and nothing in it is followed or
/// believed that somebody else may have put there. Method: a real directory; a process of its own that owns nothing,
/// because root may do everything.
@Suite struct PermissionTests {
    @Test func `a directory that may not be written to is refused as such`() async throws {
        for isNew in [true, false] {
            let place = RealPlace()
            if isNew {
                try FileManager.default.createDirectory(atPath: place.store, withIntermediateDirectories: false)
            } else {
                _ = try await place.fill(3)
            }
            try place.giveAway()
            let before = place.paths()
            for path in before.reversed() where path.hasPrefix(place.store) {
                let isDirectory = try place.attributes(path)[.type] as? FileAttributeType == .typeDirectory
                try place.setMode(isDirectory ? 0o500 : 0o400, path)
            }
            let said = try RealPlace.help(["open", place.directory.path, "store", "\(RealPlace.nobody)"])
            #expect(said == "refused: InternalFailureException: no permission for store\n", "new: \(isNew)")
            #expect(place.paths() == before)
            for path in before where path.hasPrefix(place.store) { try place.setMode(0o700, path) }
            #expect(try RealPlace.help(["open", place.directory.path, "store", "\(RealPlace.nobody)"]) == "opened\n")
        }
    }

    @Test func `another user's store is refused`() async throws {
        guard geteuid() == 0 else {
            // Without a second user the system's own directory stands for one.
            let said = try RealPlace.help(["open", "/", "usr"])
            #expect(said == "refused: InternalFailureException: no permission for usr\n")
            return
        }
        let place = RealPlace()
        _ = try await place.fill(3)
        // The directory above is the other user's, so that it gets as far as the store.
        try unsafe #require(chown(place.directory.path, RealPlace.nobody, RealPlace.nobody) == 0)
        let said = try RealPlace.help(["open", place.directory.path, "store", "\(RealPlace.nobody)"])
        #expect(said == "refused: InternalFailureException: no permission for store\n")
    }

    @Test(arguments: ["", "/logs", "/pool", "/logs/0000000000000001"])
    func `a directory of the store that others may write to is refused by name`(part: String) async throws {
        let place = RealPlace()
        _ = try await place.fill(3)
        try place.setMode(0o770, place.store + part)
        let name = part.isEmpty ? place.store : String(part.split(separator: "/").last ?? "")
        do throws(LogError) {
            let store = try LogStore(
                at: place.store, create: false, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy())
            defer { store.abandon() }
            _ = try store.log(1)
            Issue.record("opened")
        } catch {
            guard case .io(let cause) = error else { throw error }
            #expect(cause.operation == .permissions && cause.name == name, "\(cause)")
        }
        do throws(KinesisError) {
            let store = try await place.open()
            let stream = try store.stream("s")
            defer { store.abandon() }
            try await stream.put("x", partitionKey: "k")
            Issue.record("opened")
        } catch {
            #expect(error == .storage(.permission(path: place.store)))
        }
    }

    @Test func `files whose own permissions are loose are taken: the directory keeps others out`() async throws {
        let place = RealPlace()
        let numbers = try await place.fill(5)
        for path in place.paths() where try place.attributes(path)[.type] as? FileAttributeType == .typeRegular {
            try place.setMode(0o666, path)
        }
        let store = try await place.open()
        #expect(try RealPlace.read(store.stream("s")).map(\.sequenceNumber) == numbers)
        try await store.close()
    }

    @Test(arguments: ["LOCK", "store", "logs", "pool", "logs/0000000000000001", "segment"])
    func `a symbolic link in place of a file or directory is not followed`(name: String) async throws {
        let place = RealPlace()
        _ = try await place.fill(5)
        var path = place.store + "/" + name
        if name == "segment" {
            path = try #require(place.paths().last { $0.hasSuffix(".segment") && $0.contains("00001/") })
        }
        let real = place.directory.path + "/elsewhere"
        try FileManager.default.moveItem(atPath: path, toPath: real)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: real)
        let before = try? Data(contentsOf: URL(fileURLWithPath: real))
        do throws(LogError) {
            let store = try LogStore(
                at: place.store, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy())
            defer { store.abandon() }
            _ = try store.log(1)
            Issue.record("followed")
        } catch {
            guard case .io(let cause) = error else { throw error }
            #expect(cause.errorNumber == ELOOP || cause.errorNumber == ENOTDIR, "\(cause)")
            #expect(path.hasSuffix("/" + cause.name))
        }
        let after = try? Data(contentsOf: URL(fileURLWithPath: real))
        #expect(after == before)
    }
}
