#if os(Linux)
    import Foundation
    import MillraceIO

    /// A disk of our own under real file systems, and what power loss may make of it. Needs root; run it by
    /// `unshare --mount`, so that nothing stays mounted however it ends.
    ///
    ///     millrace-block-disk probe
    ///     millrace-block-disk explore FILESYSTEM STATES SEED [early-promise | deaf-disk]
    ///     millrace-block-disk serve FILE IMAGE LOG
    ///
    /// `probe` says what is missing, with status 3. `explore` ends with status 1 when a promise was broken; with a
    /// flaw, when it was not noticed. `serve` is the disk itself, over FILE, until its standard input is closed.
    @main
    enum BlockDiskCommand {
        static func main() {
            let arguments = Array(CommandLine.arguments.dropFirst())
            do {
                switch (arguments.first, arguments.count) {
                case ("probe", 1): try probe()
                case ("serve", 4): try serve(at: arguments[1], image: arguments[2], log: arguments[3])
                case ("explore", 4...5):
                    guard let fileSystem = FileSystem(rawValue: arguments[1]), let states = Int(arguments[2]),
                        let seed = UInt64(arguments[3]),
                        let flaw = Explorer.Flaw(rawValue: arguments.count == 5 ? arguments[4] : "none")
                    else { return usage() }
                    try explore(fileSystem, states, seed: seed, flaw)
                default: usage()
                }
            } catch {
                print(arguments.first == "serve" ? "\(error)" : "FAILED: \(error)")
                exit(1)
            }
        }

        private static func usage() {
            print("usage: millrace-block-disk probe | explore FILESYSTEM STATES SEED [FLAW] | serve FILE IMAGE LOG")
            exit(2)
        }

        private static func serve(at path: String, image: String, log: String) throws {
            signal(SIGINT, SIG_IGN)
            let disk = try FuseDisk(at: path, image: image, log: log)
            try FileHandle.standardOutput.write(contentsOf: Data("ready\n".utf8))
            try disk.serve(until: STDIN_FILENO)
        }

        private static func explore(_ fileSystem: FileSystem, _ states: Int, seed: UInt64, _ flaw: Explorer.Flaw) throws
        {
            let keepPath = ProcessInfo.processInfo.environment["MILLRACE_BLOCK_KEEP"]
            let explorer = try Explorer(fileSystem, seed: seed, flaw: flaw, keepPath: keepPath)
            let clock = ContinuousClock()
            let start = clock.now
            do {
                try explorer.run(stateCount: states, statesPerLife: 25)
            } catch let failure as BlockFailure where flaw != .none && failure.isLoss {
                print("\(fileSystem.rawValue), \(flaw.rawValue): caught at state \(explorer.stateCount): \(failure)")
                return
            }
            if flaw != .none {
                throw BlockFailure("\(flaw.rawValue) was not noticed in \(states) states, seed \(seed)")
            }
            let seconds = Double((clock.now - start).components.seconds) + 1
            print("\(explorer.summary), 0 lost; seed \(seed), \(Int(Double(states) / seconds)) states/s")
        }

        /// Tries everything once that exploring needs of the system.
        private static func probe() throws {
            func end(_ reason: any Error) -> Never {
                print("\(reason)")
                exit(3)
            }
            do {
                let workshop = try Workshop()
                for fileSystem in FileSystem.allCases {
                    try fileSystem.make(workshop.imagePath)
                    let disk = try DiskProcess(at: workshop.diskPath, image: workshop.imagePath, log: workshop.logPath)
                    do {
                        let device = try LoopDevice(over: workshop.diskPath)
                        let mount = try Mount(
                            device.path, at: workshop.mountPath, type: fileSystem.rawValue,
                            options: fileSystem.options[0])
                        try mount.unmount()
                    }
                    try disk.stop()
                }
            } catch let reason as KernelError {
                end(reason)
            } catch let reason as NoDisk {
                end(reason)
            }
        }
    }
#else
    @main
    enum BlockDiskCommand {
        static func main() { print("millrace-block-disk needs Linux: it is a FUSE file system") }
    }
#endif
