import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

class Hook {
    /** Whether the header X-Signature matches the raw body. */
    static boolean isGenuine(byte[] body, String xSignature) throws GeneralSecurityException {
        byte[] key = System.getenv("WEBHOOK_KEY").getBytes(StandardCharsets.UTF_8);
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        String expected = HexFormat.of().formatHex(mac.doFinal(body));
        return MessageDigest.isEqual(expected.getBytes(StandardCharsets.UTF_8), xSignature.getBytes(StandardCharsets.UTF_8));
    }
}
