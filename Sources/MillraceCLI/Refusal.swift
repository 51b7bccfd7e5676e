#if Tools
    import ArgumentParser
    import Foundation
    import MillraceIO
    import MillraceLog

    /// Why a command cannot do what it was asked: one line on standard error, and status 2.
    enum Refusal {
        /// Runs a command's body; an error of the engine ends the process with its line and status 2.
        static func reporting(_ subject: String, _ body: () throws -> Void) throws {
            do { try body() } catch let error as LogError {
                throw end(subject, describe(error, subject))
            } catch let error as IOError {
                throw end(subject, describe(error, subject))
            }
        }

        private static func end(_ subject: String, _ text: String) -> ExitCode {
            Foundation.FileHandle.standardError.write(Data("millrace: \(subject): \(text)\n".utf8))
            return ExitCode(2)
        }

        /// One line with the numbers a person needs.
        static func describe(_ error: LogError, _ subject: String) -> String {
            switch error {
            case .io(let cause): describe(cause, subject)
            case .notAStore(let detail): "not a store: \(detail)"
            case .newerFormat(let file, let version, let features):
                features == 0
                    ? "\(file) needs a reader of format version \(version), this one reads \(Format.version)"
                    : "\(file) needs features 0x\(String(features, radix: 16)) that this version does not know"
            case .corrupt(let file, let byteOffset, let detail): "\(file) at byte \(byteOffset): \(detail)"
            case .locked(let processID): "process \(processID) has the store open"
            case .storageFull: "no room on the disk"
            default: "\(error)"
            }
        }

        private static func describe(_ error: IOError, _ subject: String) -> String {
            let reason = error.errorNumber == 0 ? "" : ": \(unsafe String(cString: unsafe strerror(error.errorNumber))) (errno \(error.errorNumber))"
            let name = error.name.isEmpty || error.name == subject ? "" : " \(error.name)"
            return "\(error.operation.rawValue)\(name)\(reason)\(error.detail.isEmpty ? "" : ": \(error.detail)")"
        }
    }
#endif
