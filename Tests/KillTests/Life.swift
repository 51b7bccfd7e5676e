import Foundation
import MillraceTestSupport

/// One life of a writer process, ended by a kill.
struct Life {
    enum Death {
        /// After so many microseconds, wherever the process is.
        case random(microseconds: UInt32)
        /// When one of its threads is about to make the n-th call of its own by that name; never when none gets so far.
        /// Of calls that take a name only those in the store's directories count: the loader makes others.
        case call(String, Int)
    }
    /// What the writer said until then.
    let output: String
    let wasKilled: Bool

    /// - Parameters:
    ///   - kind: what to write: `logs` or `streams`.
    ///   - rest: the further arguments of `millrace-kill-writer`.
    /// What a killed writer said: whole lines. The kernel may write the first part of a line, up to a page's end, and no more.
    static func said(_ text: String) -> String {
        text.lastIndex(of: "\n").map { String(text[...$0]) } ?? ""
    }

    init(_ kind: String, _ store: String, _ rest: [String], _ death: Death, output path: String) throws {
        let command = [Life.writer, kind, store] + rest
        let end: ChildProcess.End
        switch death {
        case .random(let microseconds):
            let process = try ChildProcess(command, output: path)
            usleep(microseconds)
            process.kill()
            end = process.wait()
        case .call(let name, let number):
            // `--seccomp-bpf` would cost less, and strace 6.1 injects nothing then.
            var tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(name)"]
            tracer += ["-e", "inject=\(name):signal=KILL:when=\(number)"]
            if name == "openat" { tracer += Life.directories(of: store).flatMap { ["-P", $0] } }
            end = try ChildProcess(tracer + command, output: path).wait()
        }
        output = Life.said(try String(contentsOfFile: path, encoding: .utf8))
        wasKilled = end == .signal(SIGKILL)
        guard wasKilled || end == .exit(0) else {
            throw KillFailure("the writer ended by itself, \(end), \(death): \(output.suffix(300))")
        }
        if case .random = death, !wasKilled {
            throw KillFailure("the writer ended before it was killed: \(output.suffix(300))")
        }
    }

    private static func directories(of store: String) -> [String] {
        let logs = (try? FileManager.default.contentsOfDirectory(atPath: "\(store)/logs")) ?? []
        return [store, "\(store)/pool", "\(store)/logs"] + logs.map { "\(store)/logs/\($0)" }
    }

    /// The writer stands beside the tests.
    private static var writer: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("millrace-kill-writer").path
    }
}
