#if Tools
    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Where one record's data and partition key lie in the buffer of all of them. The key is a part of the data.
    struct FlightPlace {
        let dataStart: Int
        let dataByteCount: Int32
        /// From `dataStart`.
        let keyStart: Int32
        let keyByteCount: Int32
    }

    /// The records of a run: JSON lines in one buffer, the data of a record being its line without the newline, and
    /// its partition key the text of `tailnum`, or of `carrier` where `tailnum` is null.
    struct Flights: Sendable {
        let path: String
        /// The whole file.
        let bytes: [UInt8]
        let places: [FlightPlace]
        /// Of all data, without keys.
        let dataByteCount: Int
        /// Of all keys.
        let keyByteCount: Int

        var count: Int { places.count }
        var byteCount: Int { dataByteCount + keyByteCount }

        init(path: String) throws {
            self.path = path
            let bytes = try readWhole(path)
            var places: [FlightPlace] = []
            places.reserveCapacity(bytes.count / 250)
            var dataByteCount = 0
            var keyByteCount = 0
            for line in lines(of: bytes) {
                let key = try Flights.key(in: bytes, line)
                places.append(
                    FlightPlace(
                        dataStart: line.lowerBound, dataByteCount: Int32(line.count),
                        keyStart: Int32(key.lowerBound - line.lowerBound), keyByteCount: Int32(key.count)))
                dataByteCount += line.count
                keyByteCount += key.count
            }
            guard !places.isEmpty else { throw BenchError("\(path) holds no record") }
            self.bytes = bytes
            self.places = places
            self.dataByteCount = dataByteCount
            self.keyByteCount = keyByteCount
        }

        @inline(__always)
        func dataRange(_ index: Int) -> Range<Int> {
            let place = places[index]
            return place.dataStart..<(place.dataStart + Int(place.dataByteCount))
        }

        @inline(__always)
        func keyRange(_ index: Int) -> Range<Int> {
            let place = places[index]
            let start = place.dataStart + Int(place.keyStart)
            return start..<(start + Int(place.keyByteCount))
        }

        /// The data of the record at `index`.
        @inline(__always) @_lifetime(borrow self)
        func data(_ index: Int) -> RawSpan {
            // Safe because bytes have no padding, and `self` keeps them unchanged while it is borrowed.
            let span = unsafe bytes.span.bytes.extracting(dataRange(index))
            return unsafe _overrideLifetime(span, borrowing: self)
        }

        /// The partition key of the record at `index`, in UTF-8.
        @inline(__always) @_lifetime(borrow self)
        func key(_ index: Int) -> RawSpan {
            // Safe because bytes have no padding, and `self` keeps them unchanged while it is borrowed.
            let span = unsafe bytes.span.bytes.extracting(keyRange(index))
            return unsafe _overrideLifetime(span, borrowing: self)
        }

        /// The digest of the first `count` records.
        func digest(ofFirst count: Int) -> RecordDigest {
            var digest = RecordDigest()
            for index in 0..<count { digest.add(key: key(index), data: data(index)) }
            return digest
        }

        private static let tailnum = Array(#""tailnum":"#.utf8)
        private static let carrier = Array(#""carrier":"#.utf8)

        private static func key(in bytes: [UInt8], _ line: Range<Int>) throws -> Range<Int> {
            if let text = text(of: tailnum, in: bytes, line) { return text }
            if let text = text(of: carrier, in: bytes, line) { return text }
            throw BenchError("the line at byte \(line.lowerBound) has neither tailnum nor carrier")
        }

        /// The characters between the quotes behind `member`; nil when it is missing, null or empty.
        static func text(of member: [UInt8], in bytes: [UInt8], _ line: Range<Int>) -> Range<Int>? {
            let quote = UInt8(ascii: "\"")
            var at = line.lowerBound
            while at + member.count < line.upperBound {
                if bytes[at] == quote && bytes[at..<(at + member.count)].elementsEqual(member) {
                    let start = at + member.count + 1
                    guard bytes[start - 1] == quote, let end = bytes[start..<line.upperBound].firstIndex(of: quote)
                    else { return nil }
                    return start == end ? nil : start..<end
                }
                at += 1
            }
            return nil
        }
    }

    /// The lines of a file, without their ends.
    func lines(of bytes: [UInt8]) -> some Sequence<Range<Int>> {
        sequence(state: 0) { start in
            guard start < bytes.count else { return nil }
            let end = bytes[start...].firstIndex(of: 10) ?? bytes.count
            defer { start = end + 1 }
            return start..<end
        }
    }

    /// The file's bytes.
    func readWhole(_ path: String) throws -> [UInt8] {
        // Safe because the path is a string and the status outlives the call.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw BenchError.system("open \(path)") }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw BenchError.system("fstat \(path)") }
        let size = Int(status.st_size)
        // Safe because no more is read than there is room for, and what was read is what is initialised.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = unsafe read(file, buffer.baseAddress! + count, min(size - count, 1 << 26))
                if got <= 0 { break }
                count += got
            }
        }
        guard bytes.count == size else { throw BenchError.system("read \(path)") }
        return bytes
    }
#endif
