import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;

/** The contract as Avro's own tools see it: the schema files, single-object encoding, derived ids. */
final class Contract {
    private static final Map<String, String> FILES = Map.of(
            "CertificateEnrolled", "certificate-enrolled.avsc", "StoreInventory", "store-inventory.avsc",
            "ReplaceCommand", "replace-command.avsc", "StoreJob", "store-job.avsc",
            "ReplaceResult", "replace-result.avsc");

    private final Map<String, Schema> schemas = new TreeMap<>();

    Contract(Path folder) throws IOException {
        for (Map.Entry<String, String> file : FILES.entrySet()) {
            schemas.put(file.getKey(), new Schema.Parser().parse(folder.resolve(file.getValue()).toFile()));
        }
    }

    Schema schema(String record) {
        return schemas.get(record);
    }

    byte[] encode(GenericRecord record) throws IOException {
        ByteBuffer out = new BinaryMessageEncoder<GenericRecord>(GenericData.get(), record.getSchema()).encode(record);
        byte[] bytes = new byte[out.remaining()];
        out.get(bytes);
        return bytes;
    }

    GenericRecord decode(String record, byte[] value) throws IOException {
        return new BinaryMessageDecoder<GenericRecord>(GenericData.get(), schema(record)).decode(value);
    }

    /** A record of a schema; fields that are not given take their defaults. */
    static GenericRecord record(Schema schema, Map<String, Object> fields) {
        GenericRecordBuilder builder = new GenericRecordBuilder(schema);
        fields.forEach(builder::set);
        return builder.build();
    }

    /** The branch of a union that is the record of this name. */
    static Schema branch(Schema union, String name) {
        return union.getTypes().stream().filter(type -> type.getName().equals(name)).findFirst().orElseThrow();
    }

    static Schema field(Schema record, String name) {
        return record.getField(name).schema();
    }

    static Object symbol(Schema enumeration, String name) {
        return new GenericData.EnumSymbol(enumeration, name);
    }

    static String text(GenericRecord record, String field) {
        Object value = record.get(field);
        return value == null ? null : value.toString();
    }

    static List<String> texts(GenericRecord record, String field) {
        return ((List<?>) record.get(field)).stream().map(Object::toString).toList();
    }

    /** Version 5 of RFC 9562. */
    static UUID uuid5(UUID namespace, String name) throws NoSuchAlgorithmException {
        MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
        sha1.update(ByteBuffer.allocate(16).putLong(namespace.getMostSignificantBits())
                .putLong(namespace.getLeastSignificantBits()).array());
        byte[] hash = Arrays.copyOf(sha1.digest(name.getBytes(StandardCharsets.UTF_8)), 16);
        hash[6] = (byte) (hash[6] & 0x0f | 0x50);
        hash[8] = (byte) (hash[8] & 0x3f | 0x80);
        ByteBuffer bytes = ByteBuffer.wrap(hash);
        return new UUID(bytes.getLong(), bytes.getLong());
    }

    static String sha1Hex(byte[] data) throws NoSuchAlgorithmException {
        return HexFormat.of().withUpperCase().formatHex(MessageDigest.getInstance("SHA-1").digest(data));
    }

    static void check(boolean condition, String what) {
        if (!condition) {
            throw new IllegalStateException(what);
        }
    }

    static void checkEqual(Object expected, Object found, String what) {
        check(expected == null ? found == null : expected.equals(found),
                what + ": expected " + expected + ", found " + found);
    }
}
