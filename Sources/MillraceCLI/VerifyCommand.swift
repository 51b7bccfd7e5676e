#if Tools
    import ArgumentParser
    import MillraceIO
    import MillraceLog

    /// `millrace verify`: reads every byte of a store and says what is not as it was written.
    struct VerifyCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Reads every byte of a store and says what is not as it was written.",
            discussion: """
                Changes nothing and needs no lock. Status: 0 nothing found but notes, 1 warnings or damage, 2 the store cannot be read.
                """)

        @Option(help: "The store's directory.")
        var dir: String
        @Flag(help: "One JSON object in place of text.")
        var json = false

        func run() throws {
            try Refusal.reporting(dir) {
                let verification = try StoreVerification.run(at: dir, io: PosixIO())
                if json { print(try JSONText.of(Report(verification))) } else { printText(verification) }
                if !verification.isClean { throw ExitCode(1) }
            }
        }

        private func printText(_ found: StoreVerification) {
            for finding in found.findings { print(Self.line(finding)) }
            let counts = [StoreVerification.Severity.damage, .warning, .note].map { severity in
                Text.count(found.findings.count { $0.severity == severity }, severity.rawValue, plural: severity == .damage ? "damage" : nil)
            }
            print(
                "\(Text.count(found.logCount, "log")), \(Text.count(found.segmentCount, "segment")), "
                    + "\(Text.count(found.blockCount, "block")), \(Text.count(found.recordCount, "record")), "
                    + "\(found.rawByteCount) raw bytes in \(found.storedByteCount); generation \(found.store?.generation ?? 0)")
            print((found.isClean ? "clean: " : "not clean: ") + counts.joined(separator: ", "))
        }

        static func line(_ finding: StoreVerification.Finding) -> String {
            var parts = [finding.severity.rawValue, finding.file]
            if let bytes = finding.bytes { parts.append(bytes.isEmpty ? "byte \(bytes.lowerBound)" : "bytes \(bytes.lowerBound)..<\(bytes.upperBound)") }
            if let ordinals = finding.ordinals { parts.append("ordinals \(Text.ordinal(ordinals.lowerBound))..<\(Text.ordinal(ordinals.upperBound))") }
            return parts.joined(separator: "  ") + "  " + finding.detail
        }

        private struct Report: Encodable {
            struct Finding: Encodable {
                let severity: String, file: String, byteOffset: Int?, byteCount: Int?, log: UInt64?
                let firstOrdinal: UInt64?, endOrdinal: UInt64?, detail: String
            }
            let isClean: Bool, activeWriter: String?, generation: UInt64, logs: Int, segments: Int, blocks: Int, records: Int
            let rawBytes: UInt64, storedBytes: Int, findings: [Finding]

            init(_ found: StoreVerification) {
                isClean = found.isClean
                activeWriter = found.activeWriter
                generation = found.store?.generation ?? 0
                logs = found.logCount
                segments = found.segmentCount
                blocks = found.blockCount
                records = found.recordCount
                rawBytes = found.rawByteCount
                storedBytes = found.storedByteCount
                findings = found.findings.map {
                    Finding(
                        severity: $0.severity.rawValue, file: $0.file, byteOffset: $0.bytes?.lowerBound,
                        byteCount: $0.bytes?.count, log: $0.logID, firstOrdinal: $0.ordinals?.lowerBound,
                        endOrdinal: $0.ordinals?.upperBound, detail: $0.detail)
                }
            }
        }
    }
#endif
