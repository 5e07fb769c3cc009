#include "driver/zstd.hpp"

#include "driver/zstd_entropy.hpp"

#include <stdexcept>
#include <utility>

namespace vgpu::driver {

namespace {

constexpr uint32_t frameMagic = 0xfd2fb528;
constexpr size_t blockLimit = 128 * 1024;

/// Lengths and offsets are coded as a class and extra bits: RFC 8878, tables 15 and 16.
struct LengthClass {
    uint32_t baseline;
    uint8_t bits;
};
constexpr LengthClass literalLengths[36] = {
    {0, 0},   {1, 0},   {2, 0},   {3, 0},   {4, 0},   {5, 0},    {6, 0},    {7, 0},     {8, 0},
    {9, 0},   {10, 0},  {11, 0},  {12, 0},  {13, 0},  {14, 0},   {15, 0},   {16, 1},    {18, 1},
    {20, 1},  {22, 1},  {24, 2},  {28, 2},  {32, 3},  {40, 3},   {48, 4},   {64, 6},    {128, 7},
    {256, 8}, {512, 9}, {1024, 10}, {2048, 11}, {4096, 12}, {8192, 13}, {16384, 14}, {32768, 15}, {65536, 16},
};
constexpr LengthClass matchLengths[53] = {
    {3, 0},    {4, 0},    {5, 0},    {6, 0},     {7, 0},     {8, 0},     {9, 0},      {10, 0},     {11, 0},
    {12, 0},   {13, 0},   {14, 0},   {15, 0},    {16, 0},    {17, 0},    {18, 0},     {19, 0},     {20, 0},
    {21, 0},   {22, 0},   {23, 0},   {24, 0},    {25, 0},    {26, 0},    {27, 0},     {28, 0},     {29, 0},
    {30, 0},   {31, 0},   {32, 0},   {33, 0},    {34, 0},    {35, 1},    {37, 1},     {39, 1},     {41, 1},
    {43, 2},   {47, 2},   {51, 3},   {59, 3},    {67, 4},    {83, 4},    {99, 5},     {131, 7},    {259, 8},
    {515, 9},  {1027, 10}, {2051, 11}, {4099, 12}, {8195, 13}, {16387, 14}, {32771, 15}, {65539, 16},
};

// The predefined distributions: RFC 8878, section 3.1.1.3.2.2.
const std::vector<int16_t> defaultLiteralLengths = {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1,  2,  2,
                                                    2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
const std::vector<int16_t> defaultMatchLengths = {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1,  1,  1,  1,  1,  1,
                                                  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,
                                                  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};
const std::vector<int16_t> defaultOffsets = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1,  1,  1,
                                             1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};

struct Cursor {
    const uint8_t* data;
    size_t size;
    size_t at = 0;

    size_t left() const { return size - at; }
    uint64_t little(size_t bytes) {
        if (bytes > left()) zstdDamaged();
        uint64_t value = 0;
        for (size_t i = 0; i < bytes; i++) value |= uint64_t(data[at + i]) << (8 * i);
        at += bytes;
        return value;
    }
};

class Frame {
public:
    Frame(const uint8_t* data, size_t size, size_t plainBytes) : in_{data, size}, plainBytes_(plainBytes) {}

    std::string decompress() {
        readHeader();
        bool last = false;
        while (!last) {
            uint32_t header = static_cast<uint32_t>(in_.little(3));
            last = header & 1;
            size_t size = header >> 3;
            switch (header >> 1 & 3) {
                case 0: raw(size); break;
                case 1: repeated(size); break;
                case 2: compressed(size); break;
                default: zstdDamaged();
            }
            if (out_.size() > plainBytes_) zstdDamaged();
        }
        // A checksum may follow; the length and the structure are all that is checked.
        if (out_.size() != plainBytes_) zstdDamaged();
        return std::string(out_.begin(), out_.end());
    }

private:
    void readHeader() {
        if (in_.little(4) != frameMagic) zstdDamaged();
        uint8_t descriptor = static_cast<uint8_t>(in_.little(1));
        bool singleSegment = descriptor & 0x20;
        if (!singleSegment) in_.little(1);  // window size: the whole output stays in memory anyway
        if ((descriptor & 3) != 0) throw std::invalid_argument("Zstandard dictionaries are not supported");
        const size_t sizeBytes[] = {singleSegment ? size_t(1) : size_t(0), 2, 4, 8};
        in_.little(sizeBytes[descriptor >> 6]);
    }

    void raw(size_t size) {
        if (size > in_.left() || size > plainBytes_ - out_.size()) zstdDamaged();
        out_.insert(out_.end(), in_.data + in_.at, in_.data + in_.at + size);
        in_.at += size;
    }

    void repeated(size_t size) {
        if (size > plainBytes_ - out_.size()) zstdDamaged();
        out_.insert(out_.end(), size, static_cast<uint8_t>(in_.little(1)));
    }

    void compressed(size_t size) {
        if (size > in_.left() || size > blockLimit) zstdDamaged();
        Cursor block{in_.data + in_.at, size};
        in_.at += size;
        readLiterals(block);
        readSequences(block);
    }

    void readLiterals(Cursor& block) {
        literals_.clear();
        uint8_t first = static_cast<uint8_t>(block.little(1));
        unsigned type = first & 3, format = first >> 2 & 3;
        if (type <= 1) {  // raw or one repeated byte
            size_t size = first >> 3;
            if (format == 1) size = first >> 4 | block.little(1) << 4;
            else if (format == 3) size = first >> 4 | block.little(2) << 4;
            if (size > blockLimit) zstdDamaged();
            if (type == 0) {
                if (size > block.left()) zstdDamaged();
                literals_.assign(block.data + block.at, block.data + block.at + size);
                block.at += size;
            } else {
                literals_.assign(size, static_cast<uint8_t>(block.little(1)));
            }
            return;
        }
        // Sizes of 10, 10, 14 or 18 bits follow the four bits of type and format.
        const size_t extraBytes[] = {2, 2, 3, 4};
        const unsigned sizeBits[] = {10, 10, 14, 18};
        uint64_t header = first >> 4 | block.little(extraBytes[format]) << 4;
        size_t plain = header & ((1u << sizeBits[format]) - 1);
        size_t stored = header >> sizeBits[format] & ((1u << sizeBits[format]) - 1);
        if (stored > block.left() || plain > blockLimit) zstdDamaged();
        size_t end = block.at + stored;
        if (type == 2) huffman_ = HuffmanTable::parse(block.data, end, block.at);
        if (huffman_.entries.empty() || block.at > end) zstdDamaged();
        const uint8_t* data = block.data + block.at;
        size_t size = end - block.at;
        block.at = end;
        if (format == 0) {
            huffman_.decode(data, size, plain, literals_);
            return;
        }
        if (size < 6) zstdDamaged();
        size_t start = 6, quarter = (plain + 3) / 4;
        for (int i = 0; i < 4; i++) {
            size_t length = i < 3 ? data[2 * i] | size_t(data[2 * i + 1]) << 8 : size - start;
            size_t count = i < 3 ? quarter : plain - 3 * quarter;
            if (length > size - start || (i == 3 && 3 * quarter > plain)) zstdDamaged();
            huffman_.decode(data + start, length, count, literals_);
            start += length;
        }
    }

    void readTable(Cursor& block, unsigned mode, FseTable& table, const std::vector<int16_t>& predefined,
                   unsigned predefinedAccuracy, unsigned maxAccuracy) {
        unsigned maxSymbol = &table == &offsets_ ? 31 : static_cast<unsigned>(predefined.size()) - 1;
        switch (mode) {
            case 0: table = FseTable::fromProbabilities(predefined, predefinedAccuracy); break;
            case 1: {
                uint8_t symbol = static_cast<uint8_t>(block.little(1));
                if (symbol > maxSymbol) zstdDamaged();
                table = FseTable::single(symbol);
                break;
            }
            case 2: table = FseTable::parse(block.data, block.size, block.at, maxAccuracy, maxSymbol); break;
            default:
                if (table.entries.empty()) zstdDamaged();  // repeats the last block's table
        }
    }

    void readSequences(Cursor& block) {
        size_t count = block.little(1);
        if (count >= 255) count = block.little(2) + 0x7f00;
        else if (count >= 128) count = (count - 128) << 8 | block.little(1);
        size_t literal = 0;
        if (count > 0) {
            uint8_t modes = static_cast<uint8_t>(block.little(1));
            readTable(block, modes >> 6, literalLengths_, defaultLiteralLengths, 6, 9);
            readTable(block, modes >> 4 & 3, offsets_, defaultOffsets, 5, 8);
            readTable(block, modes >> 2 & 3, matchLengths_, defaultMatchLengths, 6, 9);
            BackwardBits bits(block.data + block.at, block.left());
            FseState lengthState(literalLengths_, bits), offsetState(offsets_, bits), matchState(matchLengths_, bits);
            for (size_t i = 0; i < count; i++) {
                uint8_t offsetClass = offsetState.symbol();
                uint64_t offsetValue = (uint64_t(1) << offsetClass) + bits.read(offsetClass);
                LengthClass match = matchLengths[matchState.symbol()];
                uint32_t matchLength = match.baseline + bits.read(match.bits);
                LengthClass length = literalLengths[lengthState.symbol()];
                uint32_t literalLength = length.baseline + bits.read(length.bits);
                if (bits.overrun()) zstdDamaged();
                if (i + 1 < count) {
                    lengthState.advance(bits);
                    matchState.advance(bits);
                    offsetState.advance(bits);
                }
                copySequence(literal, literalLength, offsetOf(offsetValue, literalLength), matchLength);
            }
            if (bits.left() != 0) zstdDamaged();
        }
        copyLiterals(literal, literals_.size() - literal);
    }

    /// Values 1 to 3 stand for one of the last three offsets: RFC 8878, section 3.1.1.5.
    uint64_t offsetOf(uint64_t value, uint32_t literalLength) {
        uint64_t offset;
        if (value > 3) {
            offset = value - 3;
        } else {
            unsigned index = static_cast<unsigned>(value) - 1 + (literalLength == 0 ? 1 : 0);
            if (index == 0) return recent_[0];
            offset = index == 3 ? recent_[0] - 1 : recent_[index];
            if (index == 1) {
                std::swap(recent_[0], recent_[1]);
                return recent_[0];
            }
        }
        recent_[2] = recent_[1];
        recent_[1] = recent_[0];
        recent_[0] = offset;
        return offset;
    }

    void copyLiterals(size_t& from, size_t count) {
        if (count > literals_.size() - from || count > plainBytes_ - out_.size()) zstdDamaged();
        out_.insert(out_.end(), literals_.begin() + static_cast<ptrdiff_t>(from),
                    literals_.begin() + static_cast<ptrdiff_t>(from + count));
        from += count;
    }

    void copySequence(size_t& literal, size_t literalLength, uint64_t offset, size_t matchLength) {
        copyLiterals(literal, literalLength);
        if (offset == 0 || offset > out_.size() || matchLength > plainBytes_ - out_.size()) zstdDamaged();
        // Byte by byte: a match may overlap what it writes.
        for (size_t i = 0; i < matchLength; i++) out_.push_back(out_[out_.size() - offset]);
    }

    Cursor in_;
    size_t plainBytes_;
    std::vector<uint8_t> out_;
    std::vector<uint8_t> literals_;
    HuffmanTable huffman_;
    FseTable literalLengths_, offsets_, matchLengths_;
    uint64_t recent_[3] = {1, 4, 8};
};

}  // namespace

std::string zstdDecompress(const uint8_t* data, size_t size, size_t plainBytes) {
    return Frame(data, size, plainBytes).decompress();
}

}  // namespace vgpu::driver
