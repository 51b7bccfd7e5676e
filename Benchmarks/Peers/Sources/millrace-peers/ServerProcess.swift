import Foundation

/// A server that this program has started on a free port of the loopback address. It ends with this object, or with
/// this program, whatever ends that.
final class ServerProcess {
    let port: Int
    private let process = Process()
    private let name: String
    private let logPath: String

    /// Starts `name` with the arguments that `arguments` makes of a port. What it prints goes to `logPath`.
    init(_ name: String, logPath: String, arguments: (Int) throws -> [String]) throws {
        guard let path = Self.path(of: name) else { throw BenchError("\(name) is not installed") }
        self.name = name
        self.logPath = logPath
        port = try Self.freePort()
        _ = FileManager.default.createFile(atPath: logPath, contents: nil)
        let log = FileHandle(forWritingAtPath: logPath)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        // The kernel ends it when this program's main thread, which is the one that starts it, is gone.
        process.arguments = ["--pdeathsig", "TERM", path] + (try arguments(port))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        try process.run()
    }

    deinit { stop() }

    var usage: Usage { Usage.of(process.processIdentifier) }

    /// Asks `isReady` until it says so, for half a minute at most: a server may first have to read what it stored.
    func wait(_ isReady: () throws -> Bool) throws {
        let start = nanoseconds()
        while true {
            if (try? isReady()) == true { return }
            guard process.isRunning else { throw BenchError("\(name) ended: \(lastLine)") }
            guard nanoseconds() - start < 30_000_000_000 else { throw BenchError("\(name) is not ready: \(lastLine)") }
            usleep(5_000)
        }
    }

    /// Ends the server in its own way, by force where it takes more than half a minute.
    func stop() {
        let start = nanoseconds()
        if process.isRunning { process.terminate() }
        while process.isRunning {
            if nanoseconds() - start > 30_000_000_000 { kill(process.processIdentifier, SIGKILL) }
            usleep(5_000)
        }
    }

    private var lastLine: String {
        let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.map(String.init) ?? "it printed nothing"
    }

    /// The first number with points in what `name --version` prints.
    static func version(of name: String) throws -> String {
        guard let path = path(of: name) else { throw BenchError("\(name) is not installed") }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["--version"]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.firstMatch(of: /[0-9]+(\.[0-9]+)+/).map { String($0.0) } ?? "unknown"
    }

    private static func path(of name: String) -> String? {
        let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin"
        return directories.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// A port of the loopback address that nobody listens on.
    private static func freePort() throws -> Int {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { throw BenchError.system("socket") }
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safe because an address of this family is what both calls take, and it outlives them.
        let status = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            let address = unsafe bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!
            return unsafe bind(file, address, byteCount) | getsockname(file, address, &byteCount)
        }
        guard status == 0 else { throw BenchError.system("bind") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
