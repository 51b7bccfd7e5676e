/// Times as AWS's messages write them: `Thu Nov 26 11:00:00 UTC 2026`.
enum UTCText {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// - Parameter milliseconds: since 1970 UTC; before that it says 1970.
    static func of(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1000
        let (day, second) = (seconds / 86_400, seconds % 86_400)
        let (year, dayOfYear) = year(of: day)
        var (month, rest) = (0, dayOfYear)
        while rest >= dayCount(ofMonth: month, isLeap: isLeap(year)) {
            rest -= dayCount(ofMonth: month, isLeap: isLeap(year))
            month += 1
        }
        // The 1st of January 1970 was a Thursday.
        return "\(weekdays[Int(day % 7)]) \(months[month]) \(twoDigits(rest + 1)) \(twoDigits(second / 3600)):"
            + "\(twoDigits(second / 60 % 60)):\(twoDigits(second % 60)) UTC \(year)"
    }

    /// The year of a day since 1970, and the day within it from 0.
    private static func year(of day: Int64) -> (Int64, Int64) {
        // 400 years have 146,097 days, so the first guess is never too late, and short by two years at most.
        var year = 1970 + day * 400 / 146_097 - 1
        while dayCount(before: year + 1) <= day { year += 1 }
        return (year, day - dayCount(before: year))
    }

    /// Days from 1970 to the start of a year that is not before 1969.
    private static func dayCount(before year: Int64) -> Int64 {
        let past = year - 1
        // 477 leap days lie before 1970.
        return 365 * (year - 1970) + past / 4 - past / 100 + past / 400 - 477
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func dayCount(ofMonth month: Int, isLeap: Bool) -> Int64 {
        switch month {
        case 1: isLeap ? 29 : 28
        case 3, 5, 8, 10: 30
        default: 31
        }
    }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
