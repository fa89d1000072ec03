import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** For each pair of files (older, newer) and both directions: a line "yes" or "no" and why, by Avro's own checker. */
public final class Compatible {
    public static void main(String[] files) throws Exception {
        for (int i = 0; i + 1 < files.length; i += 2) {
            Schema older = new Schema.Parser().parse(Path.of(files[i]).toFile());
            Schema newer = new Schema.Parser().parse(Path.of(files[i + 1]).toFile());
            judge("backward", newer, older);
            judge("forward", older, newer);
        }
    }

    private static void judge(String direction, Schema reader, Schema writer) {
        SchemaCompatibility.SchemaPairCompatibility found =
                SchemaCompatibility.checkReaderWriterCompatibility(reader, writer);
        boolean yes = found.getType() == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE;
        System.out.println((yes ? "yes" : "no") + "\t" + direction + "\t" + found.getResult().getIncompatibilities());
    }
}
