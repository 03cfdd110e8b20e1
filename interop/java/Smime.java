// S/MIME by BouncyCastle for the tests: one process for many mails, since a JVM starts slowly.
//
// Reads commands, a line each, with tabs between the words, and answers each with a line: "ok", or "no" and why.
//
//   sign FORM ALGORITHM KEY CERTIFICATE CHAIN IN OUT     an entity; FORM is multipart or opaque
//   verify TRUST IN OUT                                  a mail; what was signed comes out
//   encrypt CIPHER TRANSPORT KDF OPTIONS CERTIFICATES IN OUT   an entity; KDF is sha1, sha256 or sha384; OPTIONS are
//                                                        of "ukm", "key-id" and "streamed", with commas between
//                                                        them, as between the certificates
//   confuse CIPHER TRANSPORT KDF OPTIONS CERTIFICATES IN OUT   the same as EnvelopedData, whatever the cipher
//   decrypt PKCS12 PASSWORD IN OUT                       a mail; the entity comes out
//   version                                              answers with "ok" and the version

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.AlgorithmParameterSpec;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.mail.Session;
import javax.mail.internet.MimeBodyPart;
import javax.mail.internet.MimeMessage;
import javax.mail.internet.MimeMultipart;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.GCMParameters;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.smime.SMIMECapabilitiesAttribute;
import org.bouncycastle.asn1.smime.SMIMECapability;
import org.bouncycastle.asn1.smime.SMIMECapabilityVector;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedDataStreamGenerator;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.Recipient;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.RecipientOperator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.jcajce.io.CipherInputStream;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.mail.smime.SMIMESigned;
import org.bouncycastle.mail.smime.SMIMESignedGenerator;
import org.bouncycastle.mail.smime.validator.SignedMailValidator;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.InputAEADDecryptor;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

public class Smime {
    private static final String BC = BouncyCastleProvider.PROVIDER_NAME;
    private static final Session SESSION = Session.getDefaultInstance(new Properties());
    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
        "aes-128-cbc", CMSAlgorithm.AES128_CBC, "aes-256-cbc", CMSAlgorithm.AES256_CBC,
        "aes-128-gcm", CMSAlgorithm.AES128_GCM, "aes-256-gcm", CMSAlgorithm.AES256_GCM);
    private static final Map<String, ASN1ObjectIdentifier> DERIVATIONS = Map.of("sha1", CMSAlgorithm.ECDH_SHA1KDF,
        "sha256", CMSAlgorithm.ECDH_SHA256KDF, "sha384", CMSAlgorithm.ECDH_SHA384KDF);
    private static final Map<String, KeyStore.PrivateKeyEntry> KEYS = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            System.out.println(answer(line.split("\t")));
            System.out.flush();
        }
    }

    private static String answer(String[] words) {
        try {
            switch (words[0]) {
                case "sign" -> sign(words[1], words[2], words[3], words[4], words[5], words[6], words[7]);
                case "verify" -> verify(words[1], words[2], words[3]);
                case "encrypt", "confuse" -> encrypt(words[0].equals("encrypt"), words[1],
                    recipients(words[1], words[2], words[3], words[4], words[5]), words[4], words[6], words[7]);
                case "decrypt" -> decrypt(words[1], words[2], words[3], words[4]);
                case "version" -> { return "ok " + Security.getProvider(BC).getVersionStr(); }
                default -> throw new IllegalArgumentException(words[0]);
            }
            return "ok";
        } catch (Throwable error) {
            Throwable cause = error;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            return ("no " + cause.getClass().getSimpleName() + ": " + cause.getMessage()).replace('\n', ' ');
        }
    }

    private static void sign(String form, String algorithm, String key, String certificate, String chain, String in,
            String out) throws Exception {
        X509Certificate signer = certificate(certificate);
        SMIMECapabilityVector capabilities = new SMIMECapabilityVector();
        capabilities.addCapability(SMIMECapability.aES256_CBC);
        capabilities.addCapability(SMIMECapability.aES128_CBC);
        ASN1EncodableVector attributes = new ASN1EncodableVector();
        attributes.add(new SMIMECapabilitiesAttribute(capabilities));
        SMIMESignedGenerator generator = new SMIMESignedGenerator();
        generator.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder().setProvider(BC)
            .setSignedAttributeGenerator(new AttributeTable(attributes)).build(algorithm, key(key), signer));
        generator.addCertificates(new JcaCertStore(List.of(signer, certificate(chain))));
        MimeBodyPart part = new MimeBodyPart(new ByteArrayInputStream(read(in)));
        ByteArrayOutputStream made = new ByteArrayOutputStream();
        if (form.equals("opaque")) {
            generator.generateEncapsulated(part).writeTo(made);
        } else {
            MimeBodyPart whole = new MimeBodyPart();
            MimeMultipart both = generator.generate(part);
            whole.setContent(both);
            whole.setHeader("Content-Type", both.getContentType());
            whole.writeTo(made);
        }
        Files.write(Path.of(out), made.toByteArray());
    }

    private static void verify(String trust, String in, String out) throws Exception {
        MimeMessage mail = new MimeMessage(SESSION, new ByteArrayInputStream(read(in)));
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(certificate(trust), null)));
        parameters.setRevocationEnabled(false);
        SignedMailValidator validator = new SignedMailValidator(mail, parameters);
        if (validator.getSignerInformationStore().size() == 0) {
            throw new CMSException("no signer");
        }
        for (SignerInformation signer : validator.getSignerInformationStore().getSigners()) {
            SignedMailValidator.ValidationResult result = validator.getValidationResult(signer);
            if (!result.isValidSignature()) {
                throw new CMSException(String.valueOf(result.getErrors().get(0)));
            }
        }
        boolean multipart = mail.isMimeType("multipart/signed");
        SMIMESigned signed =
            multipart ? new SMIMESigned((MimeMultipart) mail.getContent()) : new SMIMESigned(mail);
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        signed.getSignedContent().write(content);
        Files.write(Path.of(out), content.toByteArray());
    }

    private static void encrypt(boolean authenticates, String cipher, List<RecipientInfoGenerator> recipients,
            String options, String in, String out) throws Exception {
        OutputEncryptor encryptor = new JceCMSContentEncryptorBuilder(CIPHERS.get(cipher)).setProvider(BC).build();
        CMSProcessableByteArray content = new CMSProcessableByteArray(read(in));
        boolean streamed = options.contains("streamed");
        byte[] made;
        if (authenticates && encryptor instanceof OutputAEADEncryptor aead) {
            if (streamed) {
                throw new UnsupportedOperationException("no CMSAuthEnvelopedDataStreamGenerator");
            }
            CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
            recipients.forEach(generator::addRecipientInfoGenerator);
            made = generator.generate(content, aead).getEncoded();
        } else if (streamed) {
            CMSEnvelopedDataStreamGenerator generator = new CMSEnvelopedDataStreamGenerator();
            recipients.forEach(generator::addRecipientInfoGenerator);
            generator.setBEREncodeRecipients(true);
            generator.setBufferSize(100);
            ByteArrayOutputStream stream = new ByteArrayOutputStream();
            try (OutputStream open = generator.open(stream, encryptor)) {
                content.write(open);
            }
            made = stream.toByteArray();
        } else {
            CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
            recipients.forEach(generator::addRecipientInfoGenerator);
            made = generator.generate(content, encryptor).getEncoded();
        }
        Files.write(Path.of(out), made);
    }

    /** One for each RSA key, and one for all that agree on a key. */
    private static List<RecipientInfoGenerator> recipients(String cipher, String transport, String kdf, String options,
            String certificates) throws Exception {
        List<RecipientInfoGenerator> recipients = new ArrayList<>();
        JceKeyAgreeRecipientInfoGenerator agreement = null;
        for (String file : certificates.split(",")) {
            X509Certificate to = certificate(file);
            byte[] id = options.contains("key-id") ? keyId(to) : null;
            if (to.getPublicKey() instanceof RSAPublicKey) {
                recipients.add(keyTransport(transport, to, id));
                continue;
            }
            if (agreement == null) {
                agreement = agreement(cipher, kdf, to);
                recipients.add(agreement);
            }
            if (id == null) {
                agreement.addRecipient(to);
            } else {
                agreement.addRecipient(id, to.getPublicKey());
            }
        }
        if (agreement != null && options.contains("ukm")) {
            agreement.setUserKeyingMaterial("user keying material".getBytes());
        }
        return recipients;
    }

    private static RecipientInfoGenerator keyTransport(String transport, X509Certificate to, byte[] id)
            throws Exception {
        if (transport.equals("oaep")) {
            OAEPParameterSpec oaep = new OAEPParameterSpec("SHA-256", "MGF1",
                java.security.spec.MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT);
            AlgorithmIdentifier algorithm = new JcaAlgorithmParametersConverter().getAlgorithmIdentifier(
                org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers.id_RSAES_OAEP, oaep);
            return new JceKeyTransRecipientInfoGenerator(to, algorithm).setProvider(BC);
        }
        return id == null ? new JceKeyTransRecipientInfoGenerator(to).setProvider(BC)
            : new JceKeyTransRecipientInfoGenerator(id, to.getPublicKey()).setProvider(BC);
    }

    /** With an ephemeral key on the curve of this one. */
    private static JceKeyAgreeRecipientInfoGenerator agreement(String cipher, String kdf, X509Certificate to)
            throws Exception {
        boolean weierstrass = to.getPublicKey() instanceof ECPublicKey;
        KeyPairGenerator pairs = KeyPairGenerator.getInstance(weierstrass ? "EC" : "X25519", BC);
        if (weierstrass) {
            pairs.initialize(((ECPublicKey) to.getPublicKey()).getParams());
        }
        KeyPair ephemeral = pairs.generateKeyPair();
        // dhSinglePass-stdDH-hkdf-sha256-scheme (RFC 8418, section 2.2)
        ASN1ObjectIdentifier hkdf = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.3.19");
        return new JceKeyAgreeRecipientInfoGenerator(weierstrass ? DERIVATIONS.get(kdf) : hkdf,
            ephemeral.getPrivate(), ephemeral.getPublic(),
            cipher.contains("256") ? CMSAlgorithm.AES256_WRAP : CMSAlgorithm.AES128_WRAP).setProvider(BC);
    }

    private static byte[] keyId(X509Certificate certificate) throws Exception {
        return SubjectKeyIdentifier.fromExtensions(new JcaX509CertificateHolder(certificate).getExtensions())
            .getKeyIdentifier();
    }

    // A RecipientId is a raw Selector.
    @SuppressWarnings("unchecked")
    private static void decrypt(String pkcs12, String password, String in, String out) throws Exception {
        MimeMessage mail = new MimeMessage(SESSION, new ByteArrayInputStream(read(in)));
        byte[] message;
        try (InputStream body = mail.getInputStream()) {
            message = body.readAllBytes();
        }
        // Whether it is authenticated is known from the content type, which stands first.
        boolean authenticated = mail.getContentType().contains("authEnveloped-data");
        RecipientInformationStore recipients = authenticated
            ? new CMSAuthEnvelopedData(message).getRecipientInfos() : new CMSEnvelopedData(message).getRecipientInfos();
        KeyStore.PrivateKeyEntry own = own(pkcs12, password);
        X509CertificateHolder holder = new JcaX509CertificateHolder((X509Certificate) own.getCertificate());
        PrivateKey secret = own.getPrivateKey();
        boolean transport = secret.getAlgorithm().equals("RSA");
        for (RecipientInformation recipient : recipients.getRecipients()) {
            if (recipient.getRID().match(holder)) {
                Files.write(Path.of(out), recipient.getContent(recipient(secret, transport, authenticated)));
                return;
            }
        }
        throw new CMSException("no such recipient");
    }

    /** Opened once: a password is hashed many times over. */
    private static KeyStore.PrivateKeyEntry own(String pkcs12, String password) throws Exception {
        if (!KEYS.containsKey(pkcs12)) {
            KeyStore store = KeyStore.getInstance("PKCS12", BC);
            try (InputStream file = Files.newInputStream(Path.of(pkcs12))) {
                store.load(file, password.toCharArray());
            }
            for (String alias : Collections.list(store.aliases())) {
                if (store.isKeyEntry(alias)) {
                    KEYS.put(pkcs12, (KeyStore.PrivateKeyEntry) store.getEntry(alias,
                        new KeyStore.PasswordProtection(password.toCharArray())));
                }
            }
        }
        return KEYS.get(pkcs12);
    }

    private static Recipient recipient(PrivateKey secret, boolean transport, boolean authenticated) {
        if (transport) {
            return authenticated ? new JceKeyTransAuthEnvelopedRecipient(secret).setProvider(BC)
                : new JceKeyTransEnvelopedRecipient(secret).setProvider(BC);
        }
        return authenticated ? new KeyAgreeAuthEnvelopedRecipient(secret).setProvider(BC)
            : new JceKeyAgreeEnvelopedRecipient(secret).setProvider(BC);
    }

    /** What BouncyCastle has for key transport only: AuthEnvelopedData with key agreement. */
    private static final class KeyAgreeAuthEnvelopedRecipient extends JceKeyAgreeRecipient {
        KeyAgreeAuthEnvelopedRecipient(PrivateKey secret) {
            super(secret);
        }

        @Override
        public RecipientOperator getRecipientOperator(AlgorithmIdentifier wrapping, AlgorithmIdentifier content,
                SubjectPublicKeyInfo sender, ASN1OctetString ukm, byte[] wrapped) throws CMSException {
            try {
                GCMParameters parameters = GCMParameters.getInstance(content.getParameters());
                AlgorithmParameterSpec specification =
                    new GCMParameterSpec(parameters.getIcvLen() * 8, parameters.getNonce());
                Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding", BC);
                cipher.init(Cipher.DECRYPT_MODE, extractSecretKey(wrapping, content, sender, ukm, wrapped),
                    specification);
                return new RecipientOperator(new Decryptor(content, cipher));
            } catch (java.security.GeneralSecurityException error) {
                throw new CMSException(error.getMessage(), error);
            }
        }
    }

    private record Decryptor(AlgorithmIdentifier algorithm, Cipher cipher) implements InputAEADDecryptor {
        @Override
        public AlgorithmIdentifier getAlgorithmIdentifier() {
            return algorithm;
        }

        @Override
        public InputStream getInputStream(InputStream encrypted) {
            return new CipherInputStream(encrypted, cipher);
        }

        @Override
        public OutputStream getAADStream() {
            return new OutputStream() {
                @Override
                public void write(int octet) {
                    cipher.updateAAD(new byte[] {(byte) octet});
                }
            };
        }

        @Override
        public byte[] getMAC() {
            return new byte[0];
        }
    }

    private static X509Certificate certificate(String file) throws Exception {
        try (PEMParser parser = new PEMParser(new FileReader(file))) {
            return new JcaX509CertificateConverter().setProvider(BC)
                .getCertificate((X509CertificateHolder) parser.readObject());
        }
    }

    private static PrivateKey key(String file) throws Exception {
        try (PEMParser parser = new PEMParser(new FileReader(file))) {
            return new JcaPEMKeyConverter().setProvider(BC).getPrivateKey((PrivateKeyInfo) parser.readObject());
        }
    }

    private static byte[] read(String file) throws Exception {
        return Files.readAllBytes(Path.of(file));
    }
}
